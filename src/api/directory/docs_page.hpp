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
<link rel="icon" href="data:,">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }
details { border: 1px solid #ccc; border-radius: 6px; margin: .6em 0; }
summary { padding: .5em .8em; cursor: pointer; }
summary b { display: inline-block; width: 5em; }
form { padding: 0 .8em .8em; display: grid; grid-template-columns: 8em 1fr; gap: .4em; }
form p, form button, form pre { grid-column: 1 / 3; margin: .3em 0; }
button, select { justify-self: start; padding: .3em 1.2em; }
small { grid-column: 2; color: #555; margin-top: -.3em; }
pre { background: #f4f4f4; padding: .6em; white-space: pre-wrap; word-break: break-all; min-height: 1.5em; }
</style>
</head>
<body>
<h1>Troupe directory</h1>
<p id="about">Reading <a href="openapi.json">openapi.json</a> ...</p>
<form id="proofs"></form>
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
  // A browser takes "." and ".." out of paths, and would ask for another key.
  if (new URL(path, document.baseURI).pathname !== path)
    throw new Error("a browser can not send the parts . and .. of a key: use another client");
  return query.toString() ? path + "?" + query : path;
}

async function send(method, url, headers, body, out) {
  out.textContent = "...";
  try {
    const answer = await fetch(url, body ? {method, headers, body} : {method, headers});
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch (e) { /* not JSON: as it is */ }
    out.textContent = method + " " + url + "\n" + answer.status + "\n" + shown;
  } catch (e) {
    out.textContent = "no answer: " + e;
  }
}

// A field of a form, with its label and what is said about it; gives its element back.
function field(form, prefix, tag, label, about, props) {
  props.id = prefix + "-" + props.name; // not form.id, which may be its field "id"
  const made = make(tag, "", props);
  form.append(make("label", label, {htmlFor: props.id}), made);
  if (about) form.append(make("small", about));
  return made;
}

// Where the proof of who asks is typed in; gives what the headers are then.
function proofs(schemes) {
  const form = document.getElementById("proofs"), inputs = [];
  for (const [name, scheme] of Object.entries(schemes)) {
    const input = field(form, "proof", "input", name, scheme.description, {name, type: "password", autocomplete: "off"});
    inputs.push([scheme.type === "apiKey" ? scheme.name : "Authorization", scheme.type === "apiKey" ? "" : "Bearer ", input]);
  }
  form.addEventListener("submit", event => event.preventDefault());
  return () => Object.fromEntries(inputs.filter(([, , input]) => input.value).map(([header, before, input]) => [header, before + input.value]));
}

function operation(path, method, what, proven) {
  const box = make("details", ""), head = make("summary", "");
  head.append(make("b", method.toUpperCase()), make("code", path), " " + (what.summary || ""));
  const form = make("form", "", {id: what.operationId}), inputs = {};
  for (const p of what.parameters || []) {
    const type = p.schema.type === "integer" ? "number" : "text";
    inputs[p.name] = field(form, what.operationId, "input", p.name + (p.required ? " *" : ""), p.description, {name: p.name, type, required: !!p.required});
  }
  let body = null, type = null;
  if (what.requestBody) {
    body = field(form, what.operationId, "textarea", "body", what.requestBody.description, {name: "body", rows: 3});
    type = field(form, what.operationId, "select", "body is", "", {name: "type"});
    const types = Object.keys(what.requestBody.content);
    type.append(...types.map(t => make("option", t, {value: t})));
    type.value = types[0];
  }
  const out = make("pre", "");
  form.append(make("button", "Send"), out);
  form.append(make("p", Object.entries(what.responses).map(([status, r]) => status + ": " + r.description).join("; ")));
  form.addEventListener("submit", event => {
    event.preventDefault();
    const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    const headers = proven();
    if (body && body.value) headers["Content-Type"] = type.value;
    try {
      send(method.toUpperCase(), target(path, what.parameters || [], values), headers, body && body.value, out);
    } catch (e) {
      out.textContent = "not sent: " + e.message;
    }
  });
  box.append(head, form);
  return box;
}

fetch("openapi.json").then(answer => answer.json()).then(api => {
  const about = document.getElementById("about");
  about.replaceChildren(api.info.description + " ", make("a", "openapi.json", {href: "openapi.json"}));
  const proven = proofs(api.components.securitySchemes);
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, what] of Object.entries(methods))
      document.getElementById("operations").append(operation(path, method, what, proven));
}).catch(e => { document.getElementById("about").textContent = "openapi.json cannot be read: " + e; });
</script>
</body>
</html>
)html";

} // namespace troupe::directory
