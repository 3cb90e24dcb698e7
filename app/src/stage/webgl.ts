/** The stage on the GPU: WebGL2, which every phone since iOS 15 has. */
import { contract } from "../contract";
import { BEHIND, BLUR, COMPOSE, EVERYWHERE, REFINE, SHRINK } from "./shaders";
import { cover, fitted, png, type Look, type Source, type Stage } from "./stage";

const { width: W, height: H } = contract.input;
const KINDS = { none: 0, blur: 1, colour: 2, picture: 3, clear: 4 };
/** Pixels of the longer side on which the background is blurred. */
const GRID = 320;

interface Plane {
  texture: WebGLTexture;
  target: WebGLFramebuffer | null;
  width: number;
  height: number;
}

export class WebglStage implements Stage {
  readonly name = "WebGL2";
  readonly canvas = document.createElement("canvas");
  private gl: WebGL2RenderingContext;
  private programs!: Record<"shrink" | "refine" | "behind" | "blur" | "compose", WebGLProgram>;
  private half = false;
  private size: [number, number] = [0, 0];
  private frame!: Plane;
  private small!: Plane;
  /** What was grabbed last, and waits for its mask while the frame before it is still shown. */
  private next!: { frame: Plane; small: Plane };
  private mask!: Plane;
  private alpha!: Plane;
  private blurred!: [Plane, Plane];
  private picture!: Plane;
  private pictured: HTMLCanvasElement | undefined;
  private scaler: HTMLCanvasElement | undefined;
  private shown = false;

  /** Throws where there is no WebGL2. `lost` is called when the GPU was taken away for good. */
  constructor(lost: () => void = () => {}) {
    const gl = this.canvas.getContext("webgl2", { antialias: false, depth: false, alpha: true, premultipliedAlpha: true });
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    this.canvas.addEventListener("webglcontextlost", () => lost());
    this.half = gl.getExtension("EXT_color_buffer_float") !== null || gl.getExtension("EXT_color_buffer_half_float") !== null;
    gl.bindVertexArray(gl.createVertexArray());
    this.programs = {
      shrink: this.program(SHRINK),
      refine: this.program(REFINE),
      behind: this.program(BEHIND),
      blur: this.program(BLUR),
      compose: this.program(COMPOSE),
    };
    this.frame = this.plane(1, 1, false);
    this.small = this.plane(W, H);
    this.next = { frame: this.plane(1, 1, false), small: this.plane(W, H) };
    this.mask = this.plane(1, 1, false);
    this.picture = this.plane(1, 1, false);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.bindTexture(gl.TEXTURE_2D, this.mask.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, W, H, 0, gl.RED, gl.UNSIGNED_BYTE, new Uint8Array(W * H));
  }

  grab(source: Source, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
    const gl = this.gl;
    const most = Math.min(gl.getParameter(gl.MAX_TEXTURE_SIZE) as number, 4096);
    const [w, h] = fitted(width, height, most);
    const { frame, small } = this.next;
    [frame.width, frame.height] = [w, h];
    gl.bindTexture(gl.TEXTURE_2D, frame.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, w === width ? source : this.scaled(source, w, h));
    this.draw(this.programs.shrink, small, { frame }, (at) => {
      gl.uniform2i(at("from"), w, h);
      gl.uniform2i(at("to"), W, H);
    });
    const image = new Uint8ClampedArray(4 * W * H);
    gl.readPixels(0, 0, W, H, gl.RGBA, gl.UNSIGNED_BYTE, image);
    return image;
  }

  show(mask: Uint8Array<ArrayBuffer>, look: Look): void {
    const gl = this.gl;
    const { frame, small } = this.next;
    this.next = { frame: this.frame, small: this.small };
    [this.frame, this.small] = [frame, small];
    if (frame.width !== this.size[0] || frame.height !== this.size[1]) this.resize(frame.width, frame.height);
    gl.bindTexture(gl.TEXTURE_2D, this.mask.texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, W, H, gl.RED, gl.UNSIGNED_BYTE, mask);
    this.draw(this.programs.refine, this.alpha, { frame: this.frame, small: this.small, mask: this.mask }, (at) =>
      gl.uniform2f(at("cells"), W, H),
    );
    this.draw(this.programs.behind, this.blurred[0], { frame: this.frame, mask: this.alpha });
    this.shown = true;
    this.redraw(look);
  }

  redraw(look: Look): void {
    if (!this.shown) return;
    const gl = this.gl;
    if (look.kind === "picture" && look.picture && look.picture !== this.pictured) {
      this.pictured = look.picture;
      gl.bindTexture(gl.TEXTURE_2D, this.picture.texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, look.picture);
    }
    const blurred = this.blur(look.kind === "blur" ? 0.004 + 0.036 * look.strength : 0.015);
    if (this.canvas.width !== this.size[0] || this.canvas.height !== this.size[1])
      [this.canvas.width, this.canvas.height] = this.size;
    const screen = { texture: null as never, target: null, width: this.size[0], height: this.size[1] };
    const inputs = { frame: this.frame, alpha: this.alpha, blurred, picture: this.picture };
    this.draw(this.programs.compose, screen, inputs, (at) => {
      gl.uniform1i(at("kind"), KINDS[look.kind]);
      gl.uniform3f(at("colour"), look.colour[0] / 255, look.colour[1] / 255, look.colour[2] / 255);
      gl.uniform1f(at("wrap"), look.strength * 0.9);
      const picture = look.picture ?? this.canvas;
      const [x, y, w, h] = cover([picture.width, picture.height], this.size);
      gl.uniform4f(at("part"), x / picture.width, y / picture.height, w / picture.width, h / picture.height);
    });
  }

  photo(look: Look): Promise<Blob> {
    this.redraw(look); // in the same task: the drawing buffer does not outlive it
    return png(this.canvas);
  }

  dispose(): void {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
    this.canvas.remove();
  }

  /** The background's light over its share, both blurred; `sigma` in shorter sides. What is in blurred[0] stays. */
  private blur(sigma: number): Plane {
    const gl = this.gl;
    const [one, other] = this.blurred;
    const result = this.spare;
    const cells = Math.max(0.6, sigma * Math.min(one.width, one.height));
    this.draw(this.programs.blur, other, { source: one }, (at) => {
      gl.uniform2f(at("along"), 1 / one.width, 0);
      gl.uniform1f(at("sigma"), cells);
    });
    this.draw(this.programs.blur, result, { source: other }, (at) => {
      gl.uniform2f(at("along"), 0, 1 / one.height);
      gl.uniform1f(at("sigma"), cells);
    });
    return result;
  }
  private spare!: Plane;

  private resize(width: number, height: number): void {
    this.size = [width, height];
    for (const old of [this.next.frame, this.alpha, ...(this.blurred ?? []), this.spare]) this.drop(old);
    const [w, h] = fitted(width, height, GRID);
    this.next.frame = this.plane(1, 1, false); // a large photo's memory is not kept
    this.alpha = this.plane(width, height);
    this.blurred = [this.plane(w, h, true, this.half), this.plane(w, h, true, this.half)];
    this.spare = this.plane(w, h, true, this.half);
  }

  private scaled(source: Source, width: number, height: number): HTMLCanvasElement {
    this.scaler ??= document.createElement("canvas");
    [this.scaler.width, this.scaler.height] = [width, height];
    const context = this.scaler.getContext("2d")!;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, width, height);
    return this.scaler;
  }

  private plane(width: number, height: number, drawn = true, half = false): Plane {
    const gl = this.gl;
    const texture = gl.createTexture()!;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const how of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, how, gl.LINEAR);
    if (!drawn) return { texture, target: null, width, height };
    if (half) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, width, height, 0, gl.RGBA, gl.HALF_FLOAT, null);
    else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    const target = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    if (half && gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) {
      this.half = false;
      return this.plane(width, height);
    }
    return { texture, target, width, height };
  }

  private drop(plane: Plane | undefined): void {
    if (!plane) return;
    this.gl.deleteTexture(plane.texture);
    this.gl.deleteFramebuffer(plane.target);
  }

  /** Draws into `to` with the planes of `inputs` under their names; leaves `to` bound for reading. */
  private draw(
    program: WebGLProgram,
    to: Plane,
    inputs: Record<string, Plane>,
    more: (at: (name: string) => WebGLUniformLocation | null) => void = () => {},
  ): void {
    const gl = this.gl;
    const at = (name: string) => gl.getUniformLocation(program, name);
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, to.target);
    gl.viewport(0, 0, to.width, to.height);
    Object.entries(inputs).forEach(([name, plane], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, plane.texture);
      gl.uniform1i(at(name), unit);
    });
    gl.uniform1f(at("flip"), to.target ? 1 : -1); // the screen's first row is its lowest
    more(at);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.activeTexture(gl.TEXTURE0);
  }

  private program(fragment: string): WebGLProgram {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, EVERYWHERE], [gl.FRAGMENT_SHADER, fragment]] as const) {
      const shader = gl.createShader(kind)!;
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "shader");
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "program");
    return program;
  }
}
