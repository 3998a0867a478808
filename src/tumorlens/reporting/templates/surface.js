"use strict";
// Draws the packed surfaces of a page with WebGL: turned by dragging, without any library.
const COLOURS = {
  brain: [0.72, 0.74, 0.78, 0.14], WT: [0.34, 0.71, 0.91, 0.35],
  TC: [0.94, 0.89, 0.26, 0.55], ET: [0.84, 0.37, 0.0, 1.0],
};
const VERTEX = `attribute vec3 place, normal; uniform mat3 turn; uniform vec2 scale; varying vec3 n;
void main() { vec3 p = turn * place; n = turn * normal;
  gl_Position = vec4(p.xy * scale, -p.z * 0.004, 1.0); }`;
const FRAGMENT = `precision mediump float; uniform vec4 colour; varying vec3 n;
void main() { float light = abs(normalize(n).z) * 0.75 + 0.25;
  float rim = colour.a < 1.0 ? 1.0 - 0.6 * abs(normalize(n).z) : 1.0;
  gl_FragColor = vec4(colour.rgb * light, colour.a * rim); }`;

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

// From left, back, head (in tenths of a millimetre) to right of the screen, up, towards the eye.
function unpack(surface) {
  const packed = new Int16Array(bytes(surface.vertices));
  const triangles = new Uint32Array(bytes(surface.triangles));
  const places = new Float32Array(packed.length);
  for (let i = 0; i < packed.length; i += 3) {
    places[i] = packed[i] / 10;
    places[i + 1] = packed[i + 2] / 10;
    places[i + 2] = -packed[i + 1] / 10;
  }
  return { name: surface.name, places, triangles, normals: normalsOf(places, triangles) };
}

function normalsOf(places, triangles) {
  const normals = new Float32Array(places.length);
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = [triangles[i] * 3, triangles[i + 1] * 3, triangles[i + 2] * 3];
    const u = [0, 1, 2].map((k) => places[b + k] - places[a + k]);
    const v = [0, 1, 2].map((k) => places[c + k] - places[a + k]);
    for (let k = 0; k < 3; k++) {
      const across = u[(k + 1) % 3] * v[(k + 2) % 3] - u[(k + 2) % 3] * v[(k + 1) % 3];
      for (const corner of [a, b, c]) normals[corner + k] += across;
    }
  }
  return normals;
}

function program(gl) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  gl.useProgram(made);
  return made;
}

function upload(gl, kind, values) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(kind, buffer);
  gl.bufferData(kind, values, gl.STATIC_DRAW);
  return buffer;
}

function show(canvas, surfaces) {
  const gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
  if (!gl || !gl.getExtension("OES_element_index_uint")) {
    canvas.replaceWith("This browser draws no surfaces (no WebGL).");
    return;
  }
  const used = program(gl);
  const at = (name) => gl.getUniformLocation(used, name);
  const reach = Math.max(...surfaces.map((s) => s.places.reduce((m, x) => Math.max(m, Math.abs(x)), 1)));
  for (const s of surfaces) {
    s.buffers = [upload(gl, gl.ARRAY_BUFFER, s.places), upload(gl, gl.ARRAY_BUFFER, s.normals),
      upload(gl, gl.ELEMENT_ARRAY_BUFFER, s.triangles)];
  }
  let yaw = 0.5, pitch = 0.25;
  function draw() {
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.063, 0.071, 0.086, 1);
    gl.depthMask(true);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    const [c, s, d, e] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    gl.uniformMatrix3fv(at("turn"), false, [c, e * s, -d * s, 0, d, e, s, -e * c, d * c]);
    const size = 0.95 / reach;
    const wide = canvas.width / canvas.height;
    gl.uniform2f(at("scale"), size / Math.max(wide, 1), size * Math.min(wide, 1));
    for (const one of surfaces) {
      const colour = COLOURS[one.name] || COLOURS.brain;
      gl.uniform4fv(at("colour"), colour);
      gl.depthMask(colour[3] === 1);
      ["place", "normal"].forEach((name, k) => {
        const where = gl.getAttribLocation(used, name);
        gl.bindBuffer(gl.ARRAY_BUFFER, one.buffers[k]);
        gl.enableVertexAttribArray(where);
        gl.vertexAttribPointer(where, 3, gl.FLOAT, false, 0, 0);
      });
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, one.buffers[2]);
      gl.drawElements(gl.TRIANGLES, one.triangles.length, gl.UNSIGNED_INT, 0);
    }
  }
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    yaw += event.movementX / 120;
    pitch = Math.max(-1.5, Math.min(1.5, pitch + event.movementY / 120));
    draw();
  });
  addEventListener("resize", draw);
  draw();
}

for (const data of document.querySelectorAll("script.surfaces")) {
  const canvas = data.parentElement.querySelector("canvas.surface");
  show(canvas, JSON.parse(data.textContent).map(unpack));
}
