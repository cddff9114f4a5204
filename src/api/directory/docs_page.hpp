// clang-format off
// docs_page: a page that reads openapi.json and lets people try each operation. Whole in itself: nothing comes from elsewhere.
#pragma once

#include <string_view>

namespace troupe::directory {

inline constexpr std::string_view docs_page = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Troupe directory</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }
details { border: 1px solid #ccc; border-radius: 6px; margin: .6em 0; }
summary { padding: .5em .8em; cursor: pointer; }
summary b { display: inline-block; width: 5em; }
form { padding: 0 .8em .8em; display: grid; grid-template-columns: 8em 1fr; gap: .4em; }
form p, form button, form pre { grid-column: 1 / 3; margin: .3em 0; }
button { justify-self: start; padding: .3em 1.2em; }
pre { background: #f4f4f4; padding: .6em; white-space: pre-wrap; word-break: break-all; min-height: 1.5em; }
</style>
</head>
<body>
<h1>Troupe directory</h1>
<p id="about">Reading <a href="openapi.json">openapi.json</a> ...</p>
<main id="operations"></main>
<script>
"use strict";
const make = (tag, text, props = {}) => Object.assign(document.createElement(tag), {textContent: text, ...props});

function target(path, parameters, values) {
  const query = new URLSearchParams();
  for (const p of parameters) {
    const value = values[p.name];
    if (p.in === "path") path = path.replace("{" + p.name + "}", value.split("/").map(encodeURIComponent).join("/"));
    else if (value !== "") query.append(p.name, value);
  }
  return path + (query.size || query.toString() ? "?" + query : "");
}

async function send(method, url, body, out) {
  out.textContent = "...";
  try {
    const options = {method};
    if (body) Object.assign(options, {body, headers: {"Content-Type": body.trimStart().startsWith("{") ? "application/json" : "text/plain"}});
    const answer = await fetch(url, options);
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch (e) { /* not JSON: as it is */ }
    out.textContent = method + " " + url + "\n" + answer.status + "\n" + shown;
  } catch (e) {
    out.textContent = "no answer: " + e;
  }
}

function operation(path, method, what) {
  const box = make("details", ""), head = make("summary", "");
  head.append(make("b", method.toUpperCase()), make("code", path), " " + (what.summary || ""));
  const form = make("form", "", {id: what.operationId}), inputs = {};
  for (const p of what.parameters || []) {
    form.append(make("label", p.name + (p.required ? " *" : ""), {title: p.description || ""}));
    inputs[p.name] = make("input", "", {name: p.name, required: !!p.required});
    form.append(inputs[p.name]);
  }
  let body = null;
  if (what.requestBody) {
    body = make("textarea", "", {name: "body", rows: 3, placeholder: "a value as it is, or {\"key\": ..., \"value\": ...}"});
    form.append(make("label", "body"), body);
  }
  const out = make("pre", "");
  form.append(make("button", "Send"), out);
  form.addEventListener("submit", event => {
    event.preventDefault();
    const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    send(method.toUpperCase(), target(path, what.parameters || [], values), body && body.value, out);
  });
  box.append(head, form);
  return box;
}

fetch("openapi.json").then(answer => answer.json()).then(api => {
  const about = document.getElementById("about");
  about.replaceChildren(api.info.description + " ", make("a", "openapi.json", {href: "openapi.json"}));
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, what] of Object.entries(methods))
      document.getElementById("operations").append(operation(path, method, what));
}).catch(e => { document.getElementById("about").textContent = "openapi.json cannot be read: " + e; });
</script>
</body>
</html>
)html";

} // namespace troupe::directory
