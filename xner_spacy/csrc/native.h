/* What the compiled parts share. Their functions are called through ctypes (native.py): so one wheel serves every
 * version of Python, and threads run side by side.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

/* The same source for wider vectors, chosen when the module is loaded. Each sum has one order, and no product is fused
 * with a sum (-ffp-contract=off), so that all of them give the same bits. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* Memory that begins where a vector of any width may begin. RETURNS: NULL if there is none. */
#if defined(_WIN32)
#include <malloc.h>
INLINED void *whole_blocks(size_t bytes) { return _aligned_malloc(bytes, 64); }
INLINED void release(void *memory) { _aligned_free(memory); }
#else
INLINED void *whole_blocks(size_t bytes) {
    void *memory = NULL;
    return posix_memalign(&memory, 64, bytes) ? NULL : memory;
}
INLINED void release(void *memory) { free(memory); }
#endif

/* How many bits of a number are set. */
INLINED int bit_count(uint64_t bits) {
    bits -= (bits >> 1) & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + ((bits >> 2) & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)((bits * UINT64_C(0x0101010101010101)) >> 56);
}
