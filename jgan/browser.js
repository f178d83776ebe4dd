// Arrays and operations of a generator in the browser: each is { shape, data }, and each function is one primitive of JAX.
"use strict";

const size = (shape) => shape.reduce((product, side) => product * side, 1);
const array = (shape, data) => ({ shape, data: data || new Float32Array(size(shape)) });
const strides = (shape) => {
  const found = new Array(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) found[axis] = step;
  return found;
};

// A view of an array: `data[start + sum(index * steps)]` for each index of `shape`, in order.
function gathered(x, shape, steps, start) {
  const out = array(shape), index = new Array(shape.length).fill(0);
  for (let at = start, n = 0; n < out.data.length; n++) {
    out.data[n] = x.data[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis];
      if (++index[axis] < shape[axis]) break;
      at -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

const unary = (f) => (x) => array(x.shape, x.data.map(f));
// Sides of 1 are stretched, as in JAX, whose arrays have equally many axes or none.
const stretched = (x, shape) =>
  x.data.length === size(shape) ? x : op.broadcast_in_dim(x, { shape, dims: x.shape.map((_, axis) => axis) });
const binary = (f) => (x, y) => {
  const shape = x.shape.length >= y.shape.length ? x.shape.map((side, axis) => Math.max(side, y.shape[axis] || 1)) : y.shape;
  const out = array(shape), a = stretched(x, shape).data, b = stretched(y, shape).data;
  for (let n = 0; n < out.data.length; n++) out.data[n] = f(a[n], b[n]);
  return out;
};

const op = {
  neg: unary((x) => -x), exp: unary(Math.exp), log: unary(Math.log), log1p: unary(Math.log1p), abs: unary(Math.abs),
  tanh: unary(Math.tanh), sqrt: unary(Math.sqrt), rsqrt: unary((x) => 1 / Math.sqrt(x)), square: unary((x) => x * x),
  logistic: unary((x) => 1 / (1 + Math.exp(-x))), sign: unary(Math.sign), floor: unary(Math.floor), not: unary((x) => +!x),
  sin: unary(Math.sin), cos: unary(Math.cos), stop_gradient: (x) => x, copy: (x) => x,
  integer_pow: (x, { y }) => unary((value) => value ** y)(x),
  convert_element_type: (x, { integer }) => (integer ? unary(Math.trunc)(x) : x),
  add: binary((x, y) => x + y), sub: binary((x, y) => x - y), mul: binary((x, y) => x * y), div: binary((x, y) => x / y),
  max: binary(Math.max), min: binary(Math.min), pow: binary(Math.pow),
  eq: binary((x, y) => +(x === y)), ne: binary((x, y) => +(x !== y)), ge: binary((x, y) => +(x >= y)),
  gt: binary((x, y) => +(x > y)), le: binary((x, y) => +(x <= y)), lt: binary((x, y) => +(x < y)),
  and: binary((x, y) => +(x && y)), or: binary((x, y) => +(x || y)),

  select_n(which, ...cases) {
    const out = array(cases[0].shape), one = stretched(which, out.shape).data;
    for (let n = 0; n < out.data.length; n++) out.data[n] = cases[one[n]].data[n];
    return out;
  },
  reshape: (x, { shape }) => array(shape, x.data),
  broadcast_in_dim(x, { shape, dims }) {
    const own = strides(x.shape), steps = new Array(shape.length).fill(0);
    dims.forEach((to, from) => { if (x.shape[from] !== 1) steps[to] = own[from]; });
    return gathered(x, shape, steps, 0);
  },
  transpose(x, { order }) {
    const own = strides(x.shape);
    return gathered(x, order.map((axis) => x.shape[axis]), order.map((axis) => own[axis]), 0);
  },
  rev(x, { axes }) {
    const own = strides(x.shape), steps = own.slice();
    let start = 0;
    for (const axis of axes) { start += own[axis] * (x.shape[axis] - 1); steps[axis] = -own[axis]; }
    return gathered(x, x.shape, steps, start);
  },
  slice(x, { start, shape, step }) {
    const own = strides(x.shape);
    return gathered(x, shape, own.map((each, axis) => each * step[axis]), own.reduce((sum, each, axis) => sum + each * start[axis], 0));
  },
  pad(x, value, { shape, low, step }) {
    const out = array(shape), to = strides(shape), index = new Array(shape.length).fill(0);
    out.data.fill(value.data[0]);
    for (let n = 0; n < x.data.length; n++) {
      let at = 0, inside = true;
      for (let axis = 0; axis < shape.length; axis++) {
        const place = low[axis] + index[axis] * step[axis];
        inside = inside && place >= 0 && place < shape[axis];
        at += place * to[axis];
      }
      if (inside) out.data[at] = x.data[n];
      for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === x.shape[axis]; axis--) index[axis] = 0;
    }
    return out;
  },
  concatenate(...given) {
    const { axis } = given.pop(), shape = given[0].shape.slice();
    shape[axis] = given.reduce((sum, each) => sum + each.shape[axis], 0);
    const out = array(shape), outer = size(shape.slice(0, axis));
    let at = 0;
    for (let n = 0; n < outer; n++) {
      for (const each of given) {
        const length = size(each.shape.slice(axis));
        out.data.set(each.data.subarray(n * length, (n + 1) * length), at);
        at += length;
      }
    }
    return out;
  },
  reduce(x, { axes, shape, most }) {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)), order = [...kept, ...axes];
    const moved = op.transpose(x, { order }), out = array(shape), length = size(axes.map((axis) => x.shape[axis]));
    for (let n = 0; n < out.data.length; n++) {
      let total = most ? -Infinity : 0;
      for (let k = 0; k < length; k++) {
        const value = moved.data[n * length + k];
        total = most ? Math.max(total, value) : total + value;
      }
      out.data[n] = total;
    }
    return out;
  },
  // [batch, rows, depth] and [batch, columns, depth], after both were transposed.
  dot(x, y, { left, right, batch, rows, columns, depth, shape }) {
    const a = op.transpose(x, { order: left }).data, b = op.transpose(y, { order: right }).data, out = array(shape);
    for (let n = 0, at = 0; n < batch; n++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++, at++) {
          let total = 0, p = (n * rows + i) * depth, q = (n * columns + j) * depth;
          for (let k = 0; k < depth; k++) total += a[p + k] * b[q + k];
          out.data[at] = total;
        }
      }
    }
    return out;
  },
  // Images [n, h, w, inputs] and kernels [k, k, inputs / groups, outputs], after both were transposed; `back` transposes the result.
  conv(x, kernel, { image, filter, back, side, stride, low, spread, dilation, groups }) {
    const a = op.transpose(x, { order: image }), w = op.transpose(kernel, { order: filter });
    const [count, height, width, inputs] = a.shape, [kh, kw, depth, outputs] = w.shape, [oh, ow] = side;
    const out = array([count, oh, ow, outputs]), each = outputs / groups;
    for (let n = 0; n < count; n++) for (let i = 0; i < oh; i++) for (let j = 0; j < ow; j++) {
      const to = ((n * oh + i) * ow + j) * outputs;
      for (let u = 0; u < kh; u++) {
        const y = i * stride[0] + u * dilation[0] - low[0];
        if (y < 0 || y % spread[0] || y / spread[0] >= height) continue;
        for (let v = 0; v < kw; v++) {
          const z = j * stride[1] + v * dilation[1] - low[1];
          if (z < 0 || z % spread[1] || z / spread[1] >= width) continue;
          const from = ((n * height + y / spread[0]) * width + z / spread[1]) * inputs, part = (u * kw + v) * depth * outputs;
          for (let g = 0; g < groups; g++) for (let c = 0; c < depth; c++) {
            const value = a.data[from + g * depth + c];
            if (value === 0) continue;
            for (let o = g * each; o < (g + 1) * each; o++) out.data[to + o] += value * w.data[part + c * outputs + o];
          }
        }
      }
    }
    return op.transpose(out, { order: back });
  },
};

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
