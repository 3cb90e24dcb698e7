/** The loop: a frame is taken only when the last one is on the screen; those in between are skipped, never queued. */
import type { Answer, Segmenter } from "./segment/segmenter";
import type { Look, Stage } from "./stage/stage";

export interface Timing {
  /** Milliseconds since the page began, when the frame was shown. */
  at: number;
  /** From the camera's frame to its drawing, ms. */
  latency: number;
  network: number;
  presence: number;
}

type VideoFrame = { captureTime?: number };
type FrameVideo = HTMLVideoElement & {
  requestVideoFrameCallback?(callback: (now: number, frame: VideoFrame) => void): number;
};

export class Live {
  skipped = 0;
  shown = 0;
  private running = false;
  private busy = false;
  private time = -1;

  constructor(
    private video: FrameVideo,
    private segmenter: Segmenter,
    private scene: () => { stage: Stage; look: Look },
    private told: { frame(timing: Timing, answer: Answer): void; failed(error: unknown): void },
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.next();
  }

  stop(): void {
    this.running = false;
  }

  private next(): void {
    if (!this.running) return;
    const call = (now: number, frame: VideoFrame = {}) => {
      if (!this.running) return;
      this.next();
      if (this.busy) this.skipped++;
      else void this.step(now, frame);
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(call);
    else requestAnimationFrame((now) => (this.video.currentTime === this.time ? this.next() : call(now)));
    this.time = this.video.currentTime;
  }

  private async step(now: number, frame: VideoFrame): Promise<void> {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || !height || document.hidden) return;
    this.busy = true;
    try {
      const { stage } = this.scene();
      const image = stage.grab(this.video, width, height);
      const answer = await this.segmenter.run(image);
      const scene = this.scene();
      if (!this.running || scene.stage !== stage) return;
      stage.show(answer.mask, scene.look);
      this.shown++;
      const at = performance.now();
      const latency = at - captured(now, frame);
      this.told.frame({ at, latency, network: answer.ms, presence: answer.presence }, answer);
    } catch (error) {
      if (this.running) this.told.failed(error);
    } finally {
      this.busy = false;
    }
  }
}

/** When the camera took the frame, on the page's clock; where the browser does not say, when the page got it. */
function captured(now: number, { captureTime }: VideoFrame): number {
  return captureTime !== undefined && captureTime <= now && now - captureTime < 2000 ? captureTime : now;
}
