// The page: sends scans one by one, and shows each answer with its pictures. No library, no build.

const AT_A_TIME = 2;
const RETRIES = 5;

const $ = (selector, inside = document) => inside.querySelector(selector);
const maxBytes = Number($("meta[name=max-bytes]").content);
const waiting = [];
const sent = [];
const unsendable = new Set();
let running = 0;
let generation = 0;
let dicoms = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const spoken = (label) => label.replaceAll("_", " ");

// As the report: nothing short of certain is rounded to 0 or 100.
function percent(probability) {
  if (probability > 0 && probability < 0.0005) return "<0.1 %";
  if (probability >= 0.9995 && probability < 1) return ">99.9 %";
  return `${(probability * 100).toFixed(1)} %`;
}

// --- Asking the service

class Refusal extends Error {
  constructor(problem) {
    super(problem.found);
    this.problem = problem;
  }
}

function trouble(expected, found, remedy) {
  return new Refusal({ code: "page", expected, found, remedy });
}

function inOneLine({ problem, message }) {
  return problem ? `expected ${problem.expected}; found ${problem.found}. ${problem.remedy}` : message;
}

async function ask(path, body) {
  const key = $("#key").value.trim();
  if (/[^!-~]/.test(key)) {
    throw trouble("an API key of plain letters, digits and signs", "one with others in it", "Type or paste it again.");
  }
  const options = { method: body ? "POST" : "GET", body, headers: key ? { "X-API-Key": key } : {} };
  for (let attempt = 0; ; attempt += 1) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw trouble("an answer of the service", "no connection to it", "Check that it runs, and try again.");
    }
    if (response.ok) return response;
    if (response.status === 503 && attempt < RETRIES) {
      const seconds = Number(response.headers.get("Retry-After")) || 2;
      await new Promise((done) => setTimeout(done, seconds * 1000));
      continue;
    }
    throw await refusal(response);
  }
}

async function refusal(response) {
  if (response.status === 401) {
    $("#key").focus();
    return trouble("the API key of this service", $("#key").value ? "another one" : "none",
      "Type it into the field above, and choose the scans again.");
  }
  try {
    return new Refusal((await response.json()).error);
  } catch {
    return trouble("an answer of the service", `status ${response.status}`, "Try again.");
  }
}

// --- Files in, answers out

function take(files) {
  for (const file of files) {
    const entry = $("#entry").content.cloneNode(true).firstElementChild;
    $(".source", entry).textContent = file.name;
    $(".answer", entry).textContent = "Waiting …";
    $("#results").append(entry);
    sent.push(file);
    waiting.push({ file, entry, generation });
  }
  $("#actions").hidden = sent.length === 0;
  tell();
  work();
}

function work() {
  while (running < AT_A_TIME && waiting.length) {
    const job = waiting.shift();
    running += 1;
    answer(job).finally(() => {
      running -= 1;
      tell();
      work();
    });
  }
}

async function answer({ file, entry, generation: mine }) {
  $(".answer", entry).textContent = "Reading and answering …";
  try {
    if (file.size > maxBytes) {
      unsendable.add(file);
      throw trouble(`at most ${maxBytes.toLocaleString()} bytes`, `${file.size.toLocaleString()} bytes`,
        "Send a smaller file, or use the command line.");
    }
    await checkReadable(file);
    if (await isDicom(file) && mine === generation) dicoms += 1;
    const form = new FormData();
    form.append("file", file, file.name);
    const view = await (await ask("v1/view", form)).json();
    if (mine === generation) show(entry, view);
  } catch (error) {
    if (mine === generation) showRefusal(entry, error.problem ?? trouble("an answer", error.message, "Try again.").problem);
  }
}

// A folder that was dropped looks like a file until it is read.
async function checkReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    unsendable.add(file);
    throw trouble("a file that can be read", "a folder, or a file that was moved or changed",
      "Pack a folder into a zip and drop that: a DICOM series in it is answered as one volume.");
  }
}

async function isDicom(file) {
  return new TextDecoder().decode(await file.slice(128, 132).arrayBuffer()) === "DICM";
}

function tell() {
  const open = waiting.length + running;
  const done = sent.length - open;
  $("#status").textContent = sent.length ? (open ? `${done} of ${sent.length} answered …` : `${sent.length} done.`) : "";
  $("#series").hidden = dicoms < 2;
  $("#report").disabled = open > 0;
}

// --- Showing

function showRefusal(entry, problem) {
  entry.classList.add("refused");
  $(".answer", entry).replaceChildren(make("strong", { text: "Refused" }), make("span", { class: "quiet", text: problem.code }));
  $(".details", entry).replaceChildren(facts([
    ["Expected", problem.expected], ["Found", problem.found], ["What to do", problem.remedy],
  ]));
}

function facts(pairs) {
  return make("dl", {}, ...pairs.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]));
}

function show(entry, view) {
  const { answer: told } = view;
  const refused = told.accepted === false;
  entry.classList.toggle("refused", refused);
  $(".answer", entry).replaceChildren(
    ...(refused
      ? [make("strong", { text: "Refused" }), make("span", { class: "quiet", text: told.reason })]
      : [make("strong", { text: spoken(told.label) }), ` ${percent(told.probabilities[told.label])}`,
        make("span", { class: "quiet", text: `tumor of any kind: ${percent(told.tumor_probability)}` })]),
  );
  $(".details", entry).replaceChildren(...(refused ? [] : judged(told)), bars(told, refused));
  if (view.slices.length) $(".details", entry).append(viewer(view));
}

// What the answer says beyond the class: other classes that may be, and how large the tumor is.
function judged({ conformal_set: likely, advice, skull_strip: stripped, outline }) {
  const pairs = [];
  if (likely?.length) pairs.push(["Cannot be excluded", likely.map(spoken).join(", ")]);
  if (advice) pairs.push(["Advice", advice]);
  if (stripped) pairs.push(["Skull", `taken off first, by ${stripped}`]);
  if (outline?.diameter_pixels) {
    const [length, unit] = outline.diameter_mm === null ? [outline.diameter_pixels, "pixels"] : [outline.diameter_mm, "mm"];
    const there = "largest_slice" in outline ? `, in slice ${outline.largest_slice}` : "";
    pairs.push(["Longest diameter", `${length.toFixed(0)} ${unit}${there}`], ["Part of the head", `${outline.area_percent.toFixed(1)} %${there}`]);
  }
  if (outline?.outlined_by) pairs.push(["Outlined by", `${outline.outlined_by.name} ${outline.outlined_by.version}`]);
  for (const note of outline?.notes ?? []) pairs.push(["Outline", note]);
  if (outline?.volume_ml) pairs.push(["Volume", `${outline.volume_ml.toFixed(1)} ml`]);
  if (!pairs.length) return [];
  const list = facts(pairs);
  list.classList.add("judged");
  return [list];
}

function bars(told, refused) {
  const rows = Object.entries(told.probabilities).map(([label, value]) =>
    make("div", { class: label === told.label ? "bar best" : "bar", role: "listitem" },
      make("span", { text: spoken(label) }),
      make("progress", { max: "1", value: String(value), "aria-label": spoken(label) }),
      make("span", { class: "number", text: percent(value) })));
  const list = make("div", { class: "bars", role: "list", "aria-label": "Probabilities" }, ...rows);
  const words = "What the network would say, were it a brain MRI:";
  return make("div", {}, ...(refused ? [make("p", { class: "quiet meaningless", text: words })] : []), list);
}

function viewer({ answer: told, opacity, slices }) {
  const box = $("#viewer").content.cloneNode(true).firstElementChild;
  const isVolume = slices[0].index !== null;
  const slider = $(".slice", box);
  const strength = $(".opacity", box);
  const at = (index) => slices.findIndex((one) => one.index === index);

  const draw = () => {
    const one = slices[Number(slider.value)] ?? slices[0];
    const where = isVolume ? `slice ${one.index}` : "the scan";
    $(".stage", box).style.aspectRatio = String(one.aspect);
    $(".scan", box).src = one.scan;
    $(".scan", box).alt = where;
    $(".heatmap", box).src = one.heatmap;
    $(".heatmap", box).alt = `Heatmap for ${spoken(one.target)} on ${where}`;
    $(".target", box).textContent = spoken(one.target);
    const edge = $(".outline", box);
    edge.hidden = !one.outline || !$(".show-outline", box).checked;
    if (one.outline) edge.src = one.outline;
    if (!isVolume) return;
    $(".where", box).textContent = String(one.index);
    slider.setAttribute("aria-valuetext", `slice ${one.index}, tumor ${percent(one.tumor_probability)}`);
    $(".this-slice", box).textContent = one.accepted === false ? `This slice: refused, ${one.reason}` : `This slice: ${spoken(one.label)} ${percent(one.probabilities[one.label])}, tumor of any kind ${percent(one.tumor_probability)}`;
    for (const name of ["x1", "x2"]) $(".here", box).setAttribute(name, place(Number(slider.value), slices));
  };
  const fade = () => {
    $(".heatmap", box).style.opacity = String(strength.value / 100);
    $(".percent", box).textContent = `${strength.value} %`;
  };

  slider.max = String(slices.length - 1);
  slider.value = "0";
  if (isVolume) {
    $(".slices", box).hidden = false;
    $("polyline", box).setAttribute("points", slices.map((one, i) => `${place(i, slices)},${39 - 38 * one.tumor_probability}`).join(" "));
    $(".curve", box).setAttribute("aria-label", `Tumor probability by slice, from slice ${slices[0].index} to ${slices.at(-1).index}`);
    $(".suspicious", box).append("Most suspicious: ", ...(told.suspicious ?? []).map((index) => {
      const button = make("button", { type: "button", class: "plain", text: String(index) });
      button.addEventListener("click", () => { slider.value = String(at(index)); draw(); });
      return button;
    }));
    slider.value = String(Math.max(0, at(told.suspicious?.[0])));
  }
  strength.value = String(Math.round(opacity * 100));
  slider.addEventListener("input", draw);
  strength.addEventListener("input", fade);
  $(".edge", box).hidden = !slices.some((one) => one.outline);
  $(".show-outline", box).addEventListener("change", draw);
  draw();
  fade();
  return box;
}

const place = (position, slices) => ((position / Math.max(1, slices.length - 1)) * 100).toFixed(2);

// --- The model's card

async function showModel() {
  const card = await (await ask("v1/model")).json();
  const list = make("ul", {}, ...card.limitations.map((text) => make("li", { text })));
  $("#card").replaceChildren(
    facts([
      ["Name", `${card.name} ${card.version}`],
      ["Classes", card.classes.map(spoken).join(", ")],
      ["Licence", card.licence || "not stated"],
      ["Intended use", card.intended_use || "not stated"],
      ["SHA-256", card.sha256],
    ]),
    make("h3", { text: "Limitations" }), list,
  );
}

// --- The report

async function download() {
  $("#report").disabled = true;
  $("#status").textContent = "Writing the report …";
  try {
    const form = new FormData();
    const files = sent.filter((file) => !unsendable.has(file));
    if (!files.length) throw trouble("a scan to report", "none that can be sent", "Choose other files.");
    for (const file of files) form.append("files", file, file.name);
    const url = URL.createObjectURL(await (await ask("v1/report", form)).blob());
    const link = make("a", { href: url, download: "tumorlens-report.html" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    $("#status").textContent = "The report is downloaded.";
  } catch (error) {
    $("#status").textContent = `No report: ${inOneLine(error)}`;
  }
  $("#report").disabled = false;
}

// --- Wiring

const drop = $("#drop");
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
$("#files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
$("#clear").addEventListener("click", () => {
  generation += 1;
  dicoms = 0;
  waiting.length = 0;
  sent.length = 0;
  $("#results").replaceChildren();
  $("#actions").hidden = true;
  tell();
  $("#files").focus();
});
$("#report").addEventListener("click", download);
$("#key-form").hidden = document.body.dataset.access !== "closed";
$("#key-form").addEventListener("submit", (event) => event.preventDefault());
$("#model").addEventListener("toggle", (event) => {
  if (event.target.open) showModel().catch((error) => { $("#card").textContent = `No card: ${inOneLine(error)}`; });
});
