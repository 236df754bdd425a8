// The best division of a budget on the fitted surface, from the numbers in the page. The same as analysis/divisions.py.
"use strict";
(() => {
  const form = document.getElementById("calculator-form");
  const fit = JSON.parse(document.getElementById("calculator-data").textContent);
  const out = document.getElementById("calculator-answer");
  const POINTS = 201;
  const height = (k, s, t) => {
    const x = Math.log10(s / 1000), y = Math.log10(t / 1000);
    return k[1] * x + k[2] * y + k[3] * x * y + k[4] * x * x + k[5] * y * y
      + k[6] * (s / 1000) ** -k[8] + k[7] * (t / 1000) ** -k[9];
  };
  const percentile = (sorted, q) => {
    const at = q * (sorted.length - 1), low = Math.floor(at);
    return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  };
  // Limits of the samples after the first, moved away from the first by a factor, within bounds.
  const limits = (values, widen, low, high) => {
    const sorted = values.slice(1).sort((a, b) => a - b);
    if (sorted.length < 20) return null;
    const end = q => values[0] + widen * (percentile(sorted, q) - values[0]);
    return [Math.max(Math.min(end(0.025), values[0]), low), Math.min(Math.max(end(0.975), values[0]), high)];
  };
  const whole = n => Math.round(n).toLocaleString("en");
  const percent = share => (100 * share).toFixed(0);
  const shown = ends => ends ? `, 95% interval ${ends[0]}–${ends[1]}` : "";
  const divide = (budget, source, target) => {
    const least = Math.max(fit.source[0], (budget - target * fit.target[1]) / source);
    const most = Math.min(fit.source[1], (budget - target * fit.target[0]) / source);
    if (!(least > 0 && least < most && most < budget / source)) return null;
    const ratio = s => s / ((budget - source * s) / target);
    const ends = [Math.log(ratio(least)), Math.log(ratio(most))];
    const ratios = [...Array(POINTS).keys()].map(i => Math.exp(ends[0] + (ends[1] - ends[0]) * i / (POINTS - 1)));
    const targets = ratios.map(r => budget / (source * r + target));
    const best = k => {
      let at = 0, top = -Infinity;
      ratios.forEach((r, i) => { const h = height(k, r * targets[i], targets[i]); if (h > top) { top = h; at = i; } });
      return at;
    };
    const at = best(fit.shape[0]);
    const heights = ratios.map((r, i) => height(fit.shape[0], r * targets[i], targets[i]));
    let first = at, last = at;
    while (first > 0 && heights[first - 1] >= heights[at] - fit.little) first--;
    while (last < POINTS - 1 && heights[last + 1] >= heights[at] - fit.little) last++;
    const share = r => source * r / (source * r + target);
    const logs = limits(fit.shape.map(k => Math.log(ratios[best(k)])), fit.widen_shape, ends[0], ends[1]);
    const s = ratios[at] * targets[at], t = targets[at];
    const levels = fit.levels.map(k => Math.min(1, Math.max(0, k[0] + height(k, s, t))));
    return {
      source: s, target: t, share: share(ratios[at]), edge: at === 0 || at === POINTS - 1,
      limits: logs && logs.map(log => share(Math.exp(log))), near: [share(ratios[first]), share(ratios[last])],
      f1: levels[0], levels: limits(levels, fit.widen_levels, 0, 1),
    };
  };
  const tell = () => {
    const [budget, source, target] = ["budget", "source", "target"].map(name => parseFloat(form.elements[name].value));
    if (!(budget > 0 && source > 0 && target > 0)) {
      out.textContent = "Three numbers above zero are needed.";
      return;
    }
    const best = divide(budget, source, target);
    if (!best) {
      const ends = [0, 1].map(i => whole(source * fit.source[i] + target * fit.target[i]));
      out.textContent = `Outside of what was measured: at these prices a budget must lie between ${ends[0]} and ${ends[1]}.`;
      return;
    }
    out.textContent = `Buy about ${whole(best.source)} labelled source sentences and ${whole(best.target)} target sentences `
      + `with a translation: ${percent(best.share)}% of the budget on source text`
      + `${shown(best.limits && best.limits.map(percent))}${best.limits ? "%, alike" : ""}`
      + `${best.edge ? " (the end of what was measured)" : ""}. `
      + `It matters little between ${percent(best.near[0])}% and ${percent(best.near[1])}%. `
      + `F1 is then about ${(100 * best.f1).toFixed(1)}`
      + `${shown(best.levels && best.levels.map(f1 => (100 * f1).toFixed(1)))}${best.levels ? ", these" : ""}.`;
  };
  form.addEventListener("input", tell);
  form.addEventListener("submit", event => { event.preventDefault(); tell(); });
  form.hidden = false;
  tell();
})();
