/** A clip of what the stage shows, in the first container that this browser can write. */

/** MP4 first: older iPhones write and play nothing else. */
const TYPES = [
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4",
  "video/webm;codecs=vp9,opus",
  "video/webm;codecs=vp8,opus",
  "video/webm",
];

/** The type to record in; with `clear` one that keeps transparency, where there is one. */
export function typeOf(supported: (type: string) => boolean, clear: boolean): string | undefined {
  const types = clear ? [...TYPES.filter((type) => type.includes("webm")), ...TYPES] : TYPES;
  return types.find(supported);
}

export function ending(type: string): string {
  return type.startsWith("video/mp4") ? "mp4" : "webm";
}

export interface Wish {
  /** Keep transparency. */
  clear: boolean;
  sound: boolean;
}

export class Recorder {
  private recorder: MediaRecorder | undefined;
  private parts: Blob[] = [];
  private microphone: MediaStream | undefined;

  get on(): boolean {
    return this.recorder !== undefined;
  }

  static possible(): boolean {
    return typeof MediaRecorder !== "undefined" && "captureStream" in HTMLCanvasElement.prototype;
  }

  /**
   * Which of the wishes it follows. Throws where the browser cannot record. `ended` is called where the browser ends
   * the recording by itself, as it does when it runs out of memory; what there is of it is for `stop` to take.
   */
  async start(canvas: HTMLCanvasElement, { clear, sound }: Wish, ended: () => void): Promise<Wish> {
    const type = Recorder.possible() ? typeOf((name) => MediaRecorder.isTypeSupported(name), clear) : undefined;
    if (!type) throw new Error("no recorder");
    if (sound) this.microphone = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => undefined);
    const stream = canvas.captureStream(30);
    for (const track of this.microphone?.getAudioTracks() ?? []) stream.addTrack(track);
    this.parts = [];
    const rate = Math.min(12e6, Math.max(2.5e6, canvas.width * canvas.height * 5));
    try {
      const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: rate });
      recorder.ondataavailable = ({ data }) => data.size && this.parts.push(data);
      recorder.onstop = ended;
      recorder.start(1000); // in pieces, so that a long clip is not lost whole
      this.recorder = recorder;
    } catch (error) {
      this.release(stream);
      throw error;
    }
    return { clear: clear && ending(type) === "webm", sound: this.microphone !== undefined };
  }

  /** The clip; empty where the browser recorded nothing. */
  stop(): Promise<Blob> {
    const recorder = this.recorder!;
    this.recorder = undefined;
    return new Promise((resolve) => {
      const done = () => {
        this.release(recorder.stream);
        resolve(new Blob(this.parts, { type: recorder.mimeType.split(";")[0]! }));
        this.parts = [];
      };
      recorder.onstop = done;
      if (recorder.state === "inactive") return done();
      recorder.stop();
    });
  }

  private release(stream: MediaStream): void {
    for (const track of [...stream.getTracks(), ...(this.microphone?.getTracks() ?? [])]) track.stop();
    this.microphone = undefined;
  }
}
