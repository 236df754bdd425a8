/* What a student computes between matrix products. distillation/student/matmul.py has the same in NumPy. */
#include "native.h"

#define ROWS 16 /* of a block; see matmul.py */

/* best = the larger of best and values + add. What is not a number stays so, as in `numpy.maximum`. */
INLINED void keep_larger(float *restrict best, const float *restrict values, float add) {
    for (int row = 0; row < ROWS; row++) {
        const float value = values[row] + add;
        best[row] = best[row] >= value || best[row] != best[row] ? best[row] : value;
    }
}

/* The largest piece of each output, from blocks of products to rows.
 *
 * `blocks`: (blocks, columns, ROWS) products, with the pieces of an output side by side. `bias`: (outputs, pieces).
 * `result`: (n, outputs); the rows of the last block that are left over are not written.
 */
EXPORTED FOR_EACH_PROCESSOR void largest_pieces(const float *blocks, ptrdiff_t columns, const float *bias, int pieces,
                                                int outputs, ptrdiff_t n, float *result) {
    float tile[ROWS * ROWS];
    for (ptrdiff_t start = 0; start < n; start += ROWS, blocks += columns * ROWS) {
        const int rows = n - start < ROWS ? (int)(n - start) : ROWS;
        for (int first = 0; first < outputs; first += ROWS) {
            const int width = outputs - first < ROWS ? outputs - first : ROWS;
            const float *products = blocks + (ptrdiff_t)first * pieces * ROWS, *add = bias + (ptrdiff_t)first * pieces;
            for (int k = 0; k < width; k++)
                for (int row = 0; row < ROWS; row++)
                    tile[k * ROWS + row] = products[(ptrdiff_t)k * pieces * ROWS + row] + add[k * pieces];
            for (int piece = 1; piece < pieces; piece++)
                for (int k = 0; k < width; k++)
                    keep_larger(tile + k * ROWS, products + ((ptrdiff_t)k * pieces + piece) * ROWS,
                                add[k * pieces + piece]);
            for (int row = 0; row < rows; row++) {
                float *to = result + (start + row) * outputs + first;
                for (int k = 0; k < width; k++) to[k] = tile[k * ROWS + row];
            }
        }
    }
}
