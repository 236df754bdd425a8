"use strict";
// The page of `xner view`. Sentences are drawn in Python; here they are filtered, sorted and paged. A served page asks
// its server for that, a page in one file does it by its facts (see xner_spacy.report.view.index, whose rules it keeps).
(() => {
  const get = id => document.getElementById(id);
  const data = document.body.dataset;
  const served = data.mode === "server";
  const size = Number(data.pageSize);
  const rows = get("rows");
  const fields = ["text", "label", "low", "high", "reason", "error", "order"].map(get).filter(Boolean);
  const toggles = ["differs", "noted"].map(get).filter(Boolean);
  const plain = {low: "0", high: "1", order: "text"};
  const facts = served ? [] : JSON.parse(get("facts").textContent);
  const articles = served ? [] : [...rows.children];
  const number = n => n.toLocaleString("en");
  let page = Number(data.page), total = Number(data.total), asked = 0, state = null;

  const pressed = button => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  function query() {
    const found = {};
    for (const field of fields) {
      const value = field.value.trim();
      if (!value || !field.checkValidity()) continue;
      if (field.id in plain && (value === plain[field.id] || Number(value) === Number(plain[field.id]))) continue;
      found[field.id] = value;
    }
    for (const button of toggles) if (pressed(button)) found[button.id] = "1";
    return found;
  }

  // What Python's `text.comparable` does.
  const comparable = text => text.normalize("NFC").toLowerCase().replaceAll("ß", "ss").normalize("NFC");

  function fits(fact, asked) {
    const low = Number(asked.low ?? 0), high = Number(asked.high ?? 1);
    const byScore = low > 0 || high < 1;
    if (asked.text && !fact.text.includes(comparable(asked.text))) return false;
    if ((asked.label || byScore) && !fact.labels.some(([label, score]) =>
      (!asked.label || label === asked.label) && (!byScore || (score !== null && low <= score && score <= high))))
      return false;
    if (asked.reason && !fact.reasons.includes(asked.reason)) return false;
    if (asked.error && !fact.errors.includes(asked.error)) return false;
    return ["differs", "noted"].every(mark => !asked[mark] || fact.marks.includes(mark));
  }

  function showOwn(asked) {
    const found = facts.map((fact, k) => [fact, k]).filter(([fact]) => fits(fact, asked));
    const sign = {doubt: 1, sure: -1}[asked.order];
    found.sort(([a], [b]) => sign
      ? (a.lowest === null) - (b.lowest === null) || sign * (a.lowest - b.lowest) || a.number - b.number
      : a.number - b.number);
    total = found.length;
    page = Math.min(page, Math.max(0, Math.ceil(total / size) - 1));
    rows.replaceChildren(...found.slice(page * size, (page + 1) * size).map(([, k]) => articles[k]));
  }

  async function show({focus = "", keep = false} = {}) {
    const wanted = query();
    if (!keep) page = 0;
    const parameters = new URLSearchParams(wanted);
    if (page) parameters.set("page", page);
    if (served) {
      const mine = ++asked;
      rows.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch("rows?" + parameters);
        const found = await answer.json();
        if (mine !== asked) return;
        if (answer.ok) {
          // The server escapes all text in what it draws.
          rows.innerHTML = found.html;
          total = found.total;
          page = found.page;
          note(found);
        }
        fault(answer.ok ? found.fault : found.fault || "The server could not answer.");
      } catch {
        if (mine === asked) fault("The server does not answer any more. Start `xner view` again, and load this page again.");
      }
      rows.removeAttribute("aria-busy");
      history.replaceState(null, "", parameters.size ? "?" + parameters : location.pathname);
    } else {
      showOwn(wanted);
    }
    tell();
    if (focus) rows[focus === "last" ? "lastElementChild" : "firstElementChild"]?.focus();
    else if (keep) scrollTo({top: 0});
  }

  function fault(text) {
    get("fault").textContent = text;
    get("fault").hidden = !text;
  }

  function tell() {
    const pages = Math.max(1, Math.ceil(total / size));
    const first = page * size + 1, last = Math.min(total, (page + 1) * size);
    const which = Object.keys(query()).some(name => name !== "order") ? "that fit" : "in all";
    let text = total ? `${number(total)} sentence${total === 1 ? "" : "s"} ${which}; here: ${number(first)} to ${number(last)}.`
      : "No sentence fits.";
    if (state && state.done < state.of)
      text += ` ${number(state.done)} of ${number(state.of)} are read so far: filters and order know only these.`;
    get("status").textContent = text;
    get("page").textContent = `${number(page + 1)} of ${number(pages)}`;
    get("previous").disabled = page <= 0;
    get("next").disabled = page >= pages - 1;
  }

  // The state of the server's index, and what can be chosen so far.
  function note(found) {
    state = found;
    for (const name of ["label", "reason", "error"]) {
      const list = get(name);
      if (!list || document.activeElement === list) continue;
      const chosen = list.value;
      list.replaceChildren(new Option(list.dataset.every, ""), ...found.choices[name].map(
        ([value, text, count]) => new Option(`${text} (${number(count)})`, value)));
      if (chosen && ![...list.options].some(option => option.value === chosen)) list.add(new Option(chosen, chosen));
      list.value = chosen;
    }
  }

  async function watch() {
    let found;
    try {
      found = await (await fetch("state")).json();
    } catch {
      return;
    }
    const before = state ? state.done : 0;
    note(found);
    if (found.fault) fault(found.fault);
    const done = found.done >= found.of;
    // What was asked for may have more answers now.
    if (Object.keys(query()).length && done && before < found.of) show({keep: true});
    else tell();
    if (!done && !found.fault) setTimeout(watch, 700);
  }

  function move(step) {
    const all = [...rows.children];
    const here = all.indexOf(document.activeElement.closest(".sentence"));
    if (here + step >= 0 && here + step < all.length) all[here + step].focus();
    else if (here >= 0 || !all.length) turn(step, step > 0 ? "first" : "last");
  }

  function turn(step, focus = "") {
    if (get(step > 0 ? "next" : "previous").disabled) return;
    page += step;
    show({keep: true, focus});
  }

  function flip(button) {
    press(button, !pressed(button));
    show();
  }

  function links() {
    press(get("links"), !pressed(get("links")));
    document.body.classList.toggle("xner-links", pressed(get("links")));
    document.body.classList.toggle("xner-no-links", !pressed(get("links")));
  }

  function clear() {
    for (const field of fields) field.value = plain[field.id] ?? "";
    for (const button of toggles) press(button, false);
    show();
    get("text").focus();
  }

  const keys = {
    "/": () => get("text").focus(), j: () => move(1), k: () => move(-1), n: () => turn(1), p: () => turn(-1), l: links,
    d: () => { get("order").value = get("order").value === "doubt" ? "text" : "doubt"; show(); },
  };
  document.addEventListener("keydown", event => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && event.target.id === "text") { event.target.value = ""; show(); }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !get("keys").checked || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  let waiting;
  get("text").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 200); });
  for (const field of fields) if (field.id !== "text") field.addEventListener("change", () => show());
  for (const button of toggles) button.addEventListener("click", () => flip(button));
  get("links").addEventListener("click", links);
  get("clear").addEventListener("click", clear);
  get("previous").addEventListener("click", () => turn(-1));
  get("next").addEventListener("click", () => turn(1));
  get("filters").addEventListener("submit", event => { event.preventDefault(); show(); });
  if (served) { tell(); watch(); } else show();
})();
