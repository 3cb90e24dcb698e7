/** The programs of the WebGL2 stage, in the order in which a frame passes through them. Row 0 is the picture's top. */

/** A triangle over everything; `at` runs over [0, 1] from the first texel's corner. */
export const EVERYWHERE = `#version 300 es
out vec2 at;
uniform float flip;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
  at = corner;
  gl_Position = vec4(corner * 2.0 - 1.0, 0, 1) * vec4(1, flip, 1, 1);
}`;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
in vec2 at;
out vec4 result;
`;

/** The network's input: the taps of resize.ts, area where a side shrinks and linear where it grows. */
export const SHRINK = `${HEAD}
uniform sampler2D frame;
uniform ivec2 from, to;
struct Taps { int first; int last; float start; float end; };
Taps taps(int i, int from, int to) {
  float each = float(from) / float(to);
  if (from > to) {
    float start = float(i * from) / float(to), end = float((i + 1) * from) / float(to);
    return Taps((i * from) / to, min(((i + 1) * from + to - 1) / to, from), start, end);
  }
  float centre = clamp((float(i) + 0.5) * each - 0.5, 0.0, float(from - 1));
  int first = int(centre);
  return Taps(first, min(first + 2, from), centre, -1.0);
}
float weight(Taps t, int x) {
  return t.end < 0.0 ? max(0.0, 1.0 - abs(float(x) - t.start))
                     : min(t.end, float(x + 1)) - max(t.start, float(x));
}
void main() {
  ivec2 p = ivec2(gl_FragCoord.xy);
  Taps h = taps(p.x, from.x, to.x), v = taps(p.y, from.y, to.y);
  vec3 sum = vec3(0);
  float total = 0.0;
  for (int y = v.first; y < v.last; y++) {
    vec3 row = vec3(0);
    float width = 0.0;
    for (int x = h.first; x < h.last; x++) {
      float w = weight(h, x);
      row += w * texelFetch(frame, ivec2(x, y), 0).rgb;
      width += w;
    }
    float w = weight(v, y);
    sum += w * row / width;
    total += w;
  }
  result = vec4(sum / total, 1);
}`;

/** Alpha at the frame's size: the mask's neighbours, weighted by nearness and by likeness of colour. */
export const REFINE = `${HEAD}
uniform sampler2D frame, small, mask;
uniform vec2 cells;
void main() {
  float rough = texture(mask, at).r;
  float low = 1.0, high = 0.0;
  vec2 grid = at * cells - 0.5;
  ivec2 base = ivec2(floor(grid + 0.5)), end = ivec2(cells) - 1;
  vec3 colour = texture(frame, at).rgb;
  float sum = 0.0, total = 0.0;
  for (int dy = -2; dy <= 2; dy++)
    for (int dx = -2; dx <= 2; dx++) {
      ivec2 q = clamp(base + ivec2(dx, dy), ivec2(0), end);
      float value = texelFetch(mask, q, 0).r;
      low = min(low, value);
      high = max(high, value);
      vec2 away = vec2(base + ivec2(dx, dy)) - grid;
      vec3 unlike = colour - texelFetch(small, q, 0).rgb;
      float w = exp(-dot(away, away) / 2.5 - dot(unlike, unlike) * 60.0) + 1e-5;
      sum += w * value;
      total += w;
    }
  // only the uncertain band follows the colours: inside and outside the mask stays what it was
  float band = smoothstep(0.02, 0.2, high) * (1.0 - smoothstep(0.8, 0.98, low));
  float fine = clamp((sum / total - 0.5) * 1.3 + 0.5, 0.0, 1.0);
  result = vec4(mix(rough, fine, band), 0, 0, 1);
}`;

/** What is surely background: its light, weighted by how much of it is there. */
export const BEHIND = `${HEAD}
uniform sampler2D frame, mask;
void main() {
  vec2 each = 1.0 / vec2(textureSize(frame, 0));
  vec3 light = vec3(0);
  vec2 reach = fwidth(at) * 0.25;
  for (int k = 0; k < 4; k++) light += texture(frame, at + reach * (vec2(k & 1, k >> 1) * 2.0 - 1.0)).rgb;
  float share = 1.0 - texture(mask, at).r;
  share = max(share * share * share, 0.004);
  result = vec4(light * 0.25 * share, share);
}`;

/** One direction of a Gaussian. */
export const BLUR = `${HEAD}
uniform sampler2D source;
uniform vec2 along;
uniform float sigma;
void main() {
  vec4 sum = texture(source, at);
  float total = 1.0;
  int reach = int(ceil(sigma * 2.5));
  for (int k = 1; k <= reach; k++) {
    float w = exp(-0.5 * float(k * k) / (sigma * sigma));
    sum += w * (texture(source, at + float(k) * along) + texture(source, at - float(k) * along));
    total += 2.0 * w;
  }
  result = sum / total;
}`;

/** The person before the background: edge colours freed of the old one, wrapped in the light of the new one. */
export const COMPOSE = `${HEAD}
uniform sampler2D frame, alpha, blurred, picture;
uniform int kind; // 0 none, 1 blur, 2 colour, 3 picture, 4 clear
uniform vec3 colour;
uniform vec4 part;
uniform float wrap;
void main() {
  vec3 image = texture(frame, at).rgb;
  float a = texture(alpha, at).r;
  vec4 b = texture(blurred, at);
  vec3 old = b.rgb / max(b.a, 1e-3);
  vec3 front = a > 0.04 ? clamp((image - (1.0 - a) * old) / max(a, 0.25), 0.0, 1.0) : image;
  front = mix(image, front, smoothstep(0.0, 0.6, (1.0 - a) * 4.0 * a + (1.0 - a)));
  vec3 behind = kind == 1 ? old : kind == 2 ? colour : kind == 3 ? texture(picture, part.xy + at * part.zw).rgb : image;
  if (kind == 0) { result = vec4(image, 1); return; }
  if (kind == 4) { result = vec4(front * a, a); return; }
  // light of the new background on the outer rim: strongest where the blurred share of background is high
  float rim = clamp(b.a, 0.0, 1.0) * wrap * a;
  vec3 lit = 1.0 - (1.0 - front) * (1.0 - behind * rim);
  result = vec4(mix(behind, kind == 1 ? front : lit, a), 1);
}`;
