"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;
const HEIGHT = 220, MARGIN = {left: 52, right: 14, top: 8, bottom: 34};
const A = "a", B = "b", NEUTRAL = "n";  // hues: domain A or A to B, domain B or B to A, neither

const LOSSES = [
  {title: "Cycle and identity", lines: [
    ["g_cycle_a", "cycle, A and back", A], ["g_cycle_b", "cycle, B and back", B],
    ["g_identity_a", "identity, A", A, "dash"], ["g_identity_b", "identity, B", B, "dash"]],
   note: "How far a picture is from itself after the way there and back (cycle), and after the generator into its own domain (identity): mean difference, where black and white are 2 apart. Both should fall and level off; a cycle of 0.2 is about 25 of 255 levels."},
  {title: "Attention (CAM) of the generators", lines: [
    ["g_cam_a2b", "attention, A to B", A], ["g_cam_b2a", "attention, B to A", B]], reference: [2 * Math.LN2, "guessing"],
   note: "How well each generator tells its source domain from its target, which steers where it looks. Guessing costs 1.39; near 0 it always knows."},
  {title: "Discriminators", lines: [
    ["d_global_a", "global, A", A], ["d_local_a", "local, A", A, "dash"],
    ["d_global_b", "global, B", B], ["d_local_b", "local, B", B, "dash"]],
   reference: [0.5, "undecided"],
   note: "What the discriminators get wrong. At 0.5 they cannot tell real pictures from made ones; if a curve stays near 0, that one always can, and the generators learn little from it."},
  {title: "Generators against the discriminators", lines: [
    ["g_global_a", "global, A", A], ["g_local_a", "local, A", A, "dash"],
    ["g_global_b", "global, B", B], ["g_local_b", "local, B", B, "dash"]],
   reference: [0.25, "undecided"],
   note: "How much the discriminators see through the translations. 0.25 means undecided, near 1 means seen through at once. These curves swing against those of the discriminators; neither side should win for good."},
  {title: "What is minimised", lines: [
    ["generators", "generators, weighted sum", A], ["discriminators", "discriminators, weighted sum", NEUTRAL]], log: true,
   note: "A generator loss near 1000 at the start is normal: the attention term is weighted by 1000. So this sum says little about the pictures; the samples say more."},
  {title: "Attention (CAM) of the discriminators", lines: [
    ["d_global_a_cam", "global, A", A], ["d_local_a_cam", "local, A", A, "dash"],
    ["d_global_b_cam", "global, B", B], ["d_local_b_cam", "local, B", B, "dash"]],
   reference: [0.5, "undecided"],
   note: "The same game as above, played on the classifiers inside the discriminators' attention."},
];
const HEALTH = [
  {title: "Change", lines: [["change_a2b", "A to B", A], ["change_b2a", "B to A", B]],
   note: "How much a translation differs from its input, in levels of 255. Near 0 the generators copy their input and translate nothing."},
  {title: "Variety", lines: [["variety_a2b", "A to B", A], ["variety_b2a", "B to A", B]],
   note: "How much translations differ from one another: 1 is as much as real pictures do. Falling to 0 means that every input gives the same picture (mode collapse)."},
  {title: "ρ: instance or layer statistics", lines: [
    ["rho_mean", "mean of ρ", A], ["rho_at_one", "share at 1 (instance)", NEUTRAL, "dash"], ["rho_at_zero", "share at 0 (layer)", NEUTRAL, "dot"]], exact: true,
   note: "Each channel of the decoder mixes two ways to normalise: 1 keeps the content of the picture, 0 changes its style as a whole."},
  {title: "Seconds per step", lines: [["seconds_per_step", "seconds", A]], note: "If it creeps up, the machine is busy with something else, hot, or short of memory."},
  {title: "Learning rate", lines: [["learning_rate", "learning rate", A]], exact: true, note: "Constant for the first half, then down to 0 in a line, unless the settings say otherwise."},
];
const MEASURES = [
  ["kid", "KID", "Kernel distance between translated and real pictures of the target domain: lower is better, about 0 is as good as real. The band is the confidence interval of 95 %; where bands overlap, steps cannot be told apart."],
  ["fid", "FID", "Fréchet distance between translated and real pictures: lower is better. With few pictures it is too high; compare it only with others of the same protocol."],
  ["change", "Change", "Mean difference between a picture and its translation, in levels of 255. Near 0 the model only copies."],
  ["diversity", "Diversity", "How far translations differ from one another, beside the real pictures of the target domain: 1 is equal, 0 means that all are the same."],
  ["psnr", "PSNR", "Against the true pictures, in decibels: higher is better."],
  ["ssim", "SSIM", "Likeness of structure to the true pictures: 1 is equal."],
  ["l1", "L1", "Mean difference from the true pictures: lower is better."],
];

// ------------------------------------------------------------------------------------------------- small tools

function element(parent, name, attributes = {}, text = "") {
  const made = parent.namespaceURI === SVG || name === "svg" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== "") made.textContent = text;
  parent.append(made);
  return made;
}
function show(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1).replace("e+", "e");
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4)));
}
const whole = value => Math.round(value).toLocaleString("en");
const known = value => value !== null && value !== undefined;

/** Centred weighted mean over a thirtieth of the curve to either side: smooth, and not late as a running mean is. */
function smooth(values) {
  const reach = Math.floor(values.length / 30);
  if (reach < 1) return values;
  return values.map((value, middle) => {
    if (!known(value)) return null;
    let sum = 0, weights = 0;
    for (let i = Math.max(0, middle - reach); i <= Math.min(values.length - 1, middle + reach); i++) {
      if (!known(values[i])) continue;
      const weight = 1 - ((i - middle) / (reach + 1)) ** 2;
      sum += weight * values[i];
      weights += weight;
    }
    return sum / weights;
  });
}

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
function logTicks(low, high) {
  const factors = Math.log10(high / low) > 3 ? [1] : [1, 2, 5], found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of factors) if (factor * 10 ** power >= low && factor * 10 ** power <= high) found.push(factor * 10 ** power);
  return found.length > 1 ? found : ticks(low, high, 4);
}

// ------------------------------------------------------------------------------------------------------- charts

/** lines: {label, hue, dash, mean, low, high, smooth, dots}; low and high are a band (dots) or the range of raw values. */
class Chart {
  constructor(host, {title, note, steps, lines, reference = null, best = null, log = false}) {
    Object.assign(this, {steps, lines, reference, best, log, hidden: new Set(), at: null});
    const figure = element(host, "figure", {class: "chart"});
    const header = element(figure, "header");
    element(header, "h3", {}, title);
    const values = lines.flatMap(line => line.mean.filter(known));
    if (values.length && Math.min(...values) > 0 && Math.max(...values) > 4 * Math.min(...values)) this.logButton(header);
    else this.log = false;
    this.plot = element(figure, "div", {class: "plot"});
    this.svg = element(this.plot, "svg", {role: "img", "aria-label": title});
    this.tip = element(this.plot, "div", {class: "tip", hidden: ""});
    if (lines.length > 1) this.legend(element(figure, "div", {class: "legend"}));
    element(figure, "p", {class: "note"}, note);
    this.plot.addEventListener("pointermove", event => this.point(event));
    this.plot.addEventListener("pointerdown", event => this.point(event));
    this.plot.addEventListener("pointerleave", () => { this.at = null; this.draw(); });
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  logButton(header) {
    const button = element(header, "button", {type: "button", "aria-pressed": this.log, title: "logarithmic axis"}, "log");
    button.addEventListener("click", () => { this.log = !this.log; button.setAttribute("aria-pressed", this.log); this.draw(); });
  }

  legend(host) {
    for (const line of this.lines) {
      const button = element(host, "button", {type: "button", "aria-pressed": "true", class: line.hue});
      const key = element(button, "svg", {"aria-hidden": "true"});
      element(key, "line", {x1: 1, x2: 21, y1: 4, y2: 4, class: line.dash || ""});
      button.append(line.label);
      button.addEventListener("click", () => {
        if (!this.hidden.delete(line)) this.hidden.add(line);
        button.setAttribute("aria-pressed", !this.hidden.has(line));
        this.draw();
      });
    }
  }

  get visible() { return this.lines.filter(line => !this.hidden.has(line)); }

  range() {
    const shown = this.visible;
    const strong = shown.flatMap(line => line.smooth).concat(shown.flatMap(line => line.dots && line.low ? [...line.low, ...line.high] : []));
    // single outliers must not flatten the rest: of the raw values, all but the outermost hundredth count
    const raw = shown.flatMap(line => line.mean).filter(known).sort((x, y) => x - y);
    const outer = raw.length ? [raw[Math.floor(raw.length * 0.01)], raw[Math.ceil(raw.length * 0.99) - 1]] : [];
    const all = [...strong.filter(known), ...outer];
    if (!all.length) return [0, 1];
    let low = Math.min(...all), high = Math.max(...all);
    if (this.log) return [low / 1.15, high * 1.15];
    low = Math.min(0, low);
    if (this.reference) high = Math.max(high, this.reference[0]);
    return high > low ? [low, high + (high - low) * 0.06] : [low - 1, high + 1];
  }

  draw() {
    const width = this.plot.clientWidth;
    if (!width) return;
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const first = this.steps[0], last = this.steps.at(-1), [low, high] = this.range(), scale = this.log ? Math.log : value => value;
    const inner = {width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom};
    this.x = step => MARGIN.left + (last > first ? (step - first) / (last - first) : 0.5) * inner.width;
    this.y = value => {
      const share = (scale(Math.max(value, this.log ? low / 10 : -Infinity)) - scale(low)) / (scale(high) - scale(low));
      return MARGIN.top + (1 - Math.min(2, Math.max(-1, share))) * inner.height;
    };
    this.axes(inner, low, high, first, last);
    // a drawing within the drawing, as it cuts off what runs out of the axes; a dot on an edge stays whole
    const window = {x: MARGIN.left - 6, y: MARGIN.top - 6, width: inner.width + 12, height: inner.height + 12};
    const clip = element(this.svg, "svg", {...window, viewBox: Object.values(window).join(" "), style: `width:${window.width}px;height:${window.height}px`});
    if (known(this.best)) element(clip, "line", {class: "cursor", x1: this.x(this.best), x2: this.x(this.best), y1: MARGIN.top, y2: MARGIN.top + inner.height});
    for (const line of this.visible) this.line(element(clip, "g", {class: line.hue}), line);
    if (this.reference && this.reference[0] <= high) this.mark(clip, inner, this.reference);
    if (this.at !== null) element(this.svg, "line", {class: "cursor", x1: this.x(this.steps[this.at]), x2: this.x(this.steps[this.at]), y1: MARGIN.top, y2: MARGIN.top + inner.height});
    this.tell(width);
  }

  axes(inner, low, high, first, last) {
    const right = MARGIN.left + inner.width, bottom = MARGIN.top + inner.height;
    for (const value of this.log ? logTicks(low, high) : ticks(low, high, 5)) {
      element(this.svg, "line", {class: value === 0 ? "axis" : "grid", x1: MARGIN.left, x2: right, y1: this.y(value), y2: this.y(value)});
      element(this.svg, "text", {x: MARGIN.left - 8, y: this.y(value) + 4, "text-anchor": "end"}, show(value));
    }
    const steps = last > first ? ticks(first, last, Math.max(2, Math.floor(inner.width / 90))).filter(Number.isInteger) : [first];
    for (const step of steps) {
      element(this.svg, "line", {class: "axis", x1: this.x(step), x2: this.x(step), y1: bottom, y2: bottom + 4});
      const edge = this.x(step) > right - 16;  // a long number in the middle of its tick would be cut off there
      element(this.svg, "text", {x: edge ? right + MARGIN.right : this.x(step), y: bottom + 16, "text-anchor": edge ? "end" : "middle"}, whole(step));
    }
    element(this.svg, "line", {class: "axis", x1: MARGIN.left, x2: right, y1: bottom, y2: bottom});
    element(this.svg, "text", {x: right, y: bottom + 30, "text-anchor": "end"}, "step");
  }

  mark(host, inner, [value, label]) {
    const right = MARGIN.left + inner.width;
    element(host, "line", {class: "reference", x1: MARGIN.left, x2: right, y1: this.y(value), y2: this.y(value)});
    element(host, "text", {class: "halo", x: right, y: this.y(value) - 5, "text-anchor": "end"}, label);
  }

  line(host, line) {
    const dash = line.dash || "";
    if (line.low) {
      const there = this.steps.map((_, i) => i).filter(i => known(line.low[i]) && known(line.high[i]));
      const edge = (values, order) => order.map(i => `${this.x(this.steps[i]).toFixed(1)} ${this.y(values[i]).toFixed(1)}`);
      const outline = [...edge(line.high, there), ...edge(line.low, [...there].reverse())];
      if (there.length) element(host, "path", {class: line.dots ? "band" : "range", d: `M${outline.join("L")}Z`});
    }
    if (line.smooth !== line.mean && !line.low) element(host, "path", {class: "raw", d: this.path(line.mean)});
    element(host, "path", {class: `smooth ${dash}`, d: this.path(line.smooth)});
    this.steps.forEach((step, i) => {
      if (!known(line.mean[i]) || !(line.dots || this.steps.length === 1)) return;
      const best = step === this.best;
      element(host, "circle", {cx: this.x(step), cy: this.y(line.mean[i]), r: best ? 5 : 3, class: best ? "best" : ""});
    });
  }

  path(values) {
    let path = "", pen = "M";
    values.forEach((value, i) => {
      if (!known(value)) { pen = "M"; return; }
      path += `${pen}${this.x(this.steps[i]).toFixed(1)} ${this.y(value).toFixed(1)}`;
      pen = "L";
    });
    return path;
  }

  point(event) {
    const x = event.clientX - this.plot.getBoundingClientRect().left;
    let nearest = 0;
    this.steps.forEach((step, i) => { if (Math.abs(this.x(step) - x) < Math.abs(this.x(this.steps[nearest]) - x)) nearest = i; });
    if (nearest !== this.at) { this.at = nearest; this.draw(); }
  }

  /** The box beside the cursor. */
  tell(width) {
    this.tip.hidden = this.at === null;
    if (this.at === null) return;
    const step = this.steps[this.at];
    this.tip.replaceChildren();
    element(this.tip, "b", {}, `step ${whole(step)}${step === this.best ? ", the best" : ""}`);
    for (const line of this.visible) {
      const value = line.smooth[this.at];
      if (!known(value)) continue;
      const row = element(this.tip, "span", {class: line.hue});
      element(row, "i", {}, line.label);
      const interval = line.dots && line.low && known(line.low[this.at]) ? ` (${show(line.low[this.at])} to ${show(line.high[this.at])})` : "";
      row.append(show(value) + interval);
    }
    const x = this.x(step), left = x > width / 2 ? x - this.tip.offsetWidth - 10 : x + 10;
    this.tip.style.left = `${Math.max(0, Math.min(left, width - this.tip.offsetWidth))}px`;
  }
}

function histogram(host, histograms) {
  const newest = histograms.at(-1), figure = element(host, "figure", {class: "chart"});
  element(element(figure, "header"), "h3", {}, `ρ at step ${whole(newest.step)}`);
  const plot = element(figure, "div", {class: "plot"}), svg = element(plot, "svg", {role: "img", "aria-label": "histogram of rho"});
  const first = histograms.length > 1 ? `, dashed at step ${whole(histograms[0].step)}` : "";
  element(figure, "p", {class: "note"}, `How the ρ of all channels spread from 0 (layer statistics) to 1 (instance statistics)${first}. At the start they stand at 0 and 0.9, as in the paper.`);
  const draw = () => {
    const width = plot.clientWidth, inner = {width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom};
    if (!width) return;
    const highest = Math.max(...histograms.flatMap(entry => entry.shares)) * 1.06, bottom = MARGIN.top + inner.height;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const y = share => MARGIN.top + (1 - share / highest) * inner.height;
    for (const share of ticks(0, highest, 4)) {
      element(svg, "line", {class: share ? "grid" : "axis", x1: MARGIN.left, x2: MARGIN.left + inner.width, y1: y(share), y2: y(share)});
      element(svg, "text", {x: MARGIN.left - 8, y: y(share) + 4, "text-anchor": "end"}, `${show(share * 100)} %`);
    }
    for (const [entry, kind] of [[newest, "bar-a"], ...(histograms.length > 1 ? [[histograms[0], "bar-n"]] : [])])
      entry.shares.forEach((share, i) => {
        const pitch = inner.width / entry.shares.length;
        element(svg, "rect", {class: kind, x: MARGIN.left + i * pitch + 2, width: Math.max(1, pitch - 4), y: y(share), height: bottom - y(share)});
      });
    for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1])
      element(svg, "text", {x: MARGIN.left + value * inner.width, y: bottom + 16, "text-anchor": "middle"}, value);
    element(svg, "text", {x: MARGIN.left + inner.width, y: bottom + 30, "text-anchor": "end"}, "ρ");
  };
  new ResizeObserver(draw).observe(plot);
}

// ------------------------------------------------------------------------------------------------- what is shown

function fill(section, count) { document.getElementById(section).hidden = count === 0; }
function host(section) { return document.querySelector(`#${section} .charts`); }
function single(name) { return {title: name, note: "", lines: [[name, name, A]]}; }

function drawCurves() {
  const {steps, series} = data.curves, used = new Set();
  const draw = (section, wanted) => {
    let count = 0;
    for (const chart of wanted) {
      const lines = chart.lines.filter(([name]) => Object.hasOwn(series, name)).map(([name, label, hue, dash]) =>
        (used.add(name), {label, hue, dash, ...series[name], smooth: chart.exact ? series[name].mean : smooth(series[name].mean)}));
      if (!lines.length) continue;
      new Chart(host(section), {...chart, steps, lines});
      count++;
    }
    return count;
  };
  fill("losses", draw("losses", LOSSES));
  const behaviour = draw("health", HEALTH);
  if (data.rho.length) histogram(host("health"), data.rho);
  fill("health", behaviour + data.rho.length);
  fill("others", draw("others", Object.keys(series).filter(name => !used.has(name)).map(single)));
}

function drawEvaluations() {
  // the report is a few numbers, at the end: its tables say all
  const drawn = data.evaluations.filter(group => group.split !== "report");
  for (const group of drawn)
    for (const [name, title, note] of MEASURES) {
      const directions = [["a2b", "A to B", A], ["b2a", "B to A", B]].filter(([direction]) => group[direction][name]);
      if (!directions.length) continue;
      const lines = directions.map(([direction, label, hue]) => {
        const columns = group[direction];
        return {label, hue, mean: columns[name], smooth: columns[name], low: columns[`${name}_low`], high: columns[`${name}_high`], dots: true};
      });
      if (name === "kid")
        for (const [direction, label, hue] of directions) {
          const input = group[direction].kid_input;
          if (input) lines.push({label: `${label}, untranslated`, hue, dash: "dot", mean: input, smooth: input});
        }
      const best = known(group.best) ? ` The full dot is the best step, ${whole(group.best)}.` : "";
      new Chart(host("quality"), {title: drawn.length > 1 ? `${title}, protocol ${data.evaluations.indexOf(group) + 1}` : title, note: note + (name === "kid" ? best : ""), steps: group.steps, lines, best: group.best});
    }
  fill("quality", data.evaluations.length);
}

function showSheets() {
  const sheets = data.sheets, slider = document.getElementById("slider"), play = document.getElementById("play");
  fill("sheets", sheets.length);
  if (!sheets.length) return;
  const go = index => {
    const sheet = sheets[Math.max(0, Math.min(sheets.length - 1, index))];
    slider.value = sheets.indexOf(sheet);
    slider.setAttribute("aria-valuetext", `step ${whole(sheet.step)}`);
    for (const image of document.querySelectorAll(".halves img")) image.src = sheet.source;
    document.getElementById("when").textContent = `step ${whole(sheet.step)} (${slider.valueAsNumber + 1} of ${sheets.length})`;
    document.getElementById("file").href = sheet.file;
  };
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "play"; };
  slider.max = sheets.length - 1;
  slider.addEventListener("input", () => { stop(); go(slider.valueAsNumber); });
  document.querySelector(".player").hidden = sheets.length < 2;
  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = "pause";
    if (slider.valueAsNumber === sheets.length - 1) go(0);
    timer = setInterval(() => { go(slider.valueAsNumber + 1); if (slider.valueAsNumber === sheets.length - 1) stop(); }, 400);
  });
  document.addEventListener("keydown", event => {
    const way = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    stop();
    go(slider.valueAsNumber + way);
  });
  go(sheets.length - 1);
}

showSheets();
drawEvaluations();
drawCurves();
})();
