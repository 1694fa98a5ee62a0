// What the person set, kept in this browser, and the dialog to set it.

import { $, make } from "./page.js";

const KEY = "tunesmith:chat:settings";
const VISITOR = "tunesmith:chat:visitor";
let drawn = null;
const START = { model: "", second: "", sideBySide: false, system: "", temperature: 0.7, maxTokens: 512, consent: false, pages: [], search: true };

export const settings = { ...START };

/** How long a reply may be until the person says so: a quarter of what the model can hold, if that is known. */
const startTokens = () => Math.min(START.maxTokens, lengths.most, Math.floor((lengths.fitted[settings.model] ?? Infinity) / 4));
const lengths = { most: START.maxTokens, fitted: {} };

export function loadSettings(models, mostTokens, fitted) {
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { /* nothing kept, or storage is off */ }
  for (const name of Object.keys(START)) if (typeof kept[name] === typeof START[name]) settings[name] = kept[name];
  if (!models.includes(settings.model)) settings.model = models[0] ?? "";
  if (!models.includes(settings.second) || settings.second === settings.model) settings.second = models.find((one) => one !== settings.model) ?? "";
  if (!settings.second) settings.sideBySide = false;
  settings.pages = Array.isArray(settings.pages) ? settings.pages.filter((one) => typeof one === "string") : [];
  Object.assign(lengths, { most: mostTokens, fitted });
  settings.maxTokens = Math.min(kept.maxTokens ?? startTokens(), mostTokens);
  $("#max-tokens").max = String(mostTokens);
}

/** This browser's random name, by which an A/B test knows it where no key does. */
export function visitor() {
  let name = null;
  try { name = localStorage.getItem(VISITOR); } catch { /* storage is off: a name for as long as the page is open */ }
  name ??= drawn ??= Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
  try { localStorage.setItem(VISITOR, name); } catch { /* as above */ }
  return name;
}

export function keep(change) {
  Object.assign(settings, change);
  try { localStorage.setItem(KEY, JSON.stringify(settings)); } catch { /* storage is off: the settings last as long as the page */ }
}

/** Wire the dialog; `changed` is called after every change. */
export function settingsDialog(models, changed) {
  const box = $("#settings");
  const set = (change) => { keep(change); fill(); changed(); };
  const fill = () => {
    $("#model").replaceChildren(...options(models, settings.model));
    $("#second").replaceChildren(...options(models.filter((one) => one !== settings.model), settings.second));
    $("#second-label").hidden = models.length < 2;
    $("#system").value = settings.system;
    $("#temperature").value = String(settings.temperature);
    $("#temperature-value").textContent = settings.temperature === 0 ? "0: the likeliest words" : String(settings.temperature);
    $("#max-tokens").value = String(settings.maxTokens);
  };
  $("#model").addEventListener("change", (event) => {
    const model = event.target.value;
    set({ model, second: settings.second === model ? models.find((one) => one !== model) : settings.second });
  });
  $("#second").addEventListener("change", (event) => set({ second: event.target.value }));
  $("#system").addEventListener("change", (event) => set({ system: event.target.value.trim() }));
  $("#temperature").addEventListener("input", (event) => set({ temperature: Number(event.target.value) }));
  $("#max-tokens").addEventListener("change", (event) => { if (event.target.checkValidity()) set({ maxTokens: Number(event.target.value) }); else fill(); });
  $("#reset-settings").addEventListener("click", () => set({ system: START.system, temperature: START.temperature, maxTokens: startTokens() }));
  fill();
  return () => { fill(); box.showModal(); };
}

const options = (names, chosen) => names.map((name) => make("option", { value: name, selected: name === chosen }, name));
