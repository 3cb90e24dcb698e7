/** The camera: started, switched, lost and found again; every way it fails has a name that texts.ts has words for. */

export type Trouble = "refused" | "insecure" | "none_found" | "busy" | "lost" | "muted" | "cameraOther";

export class CameraError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

/** What a browser's error means. Safari and Firefox use some of the names differently, hence the groups. */
export function troubleOf(error: unknown): Trouble {
  switch ((error as { name?: string } | undefined)?.name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError":
      return "none_found";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    default:
      return "cameraOther";
  }
}

export type Facing = "user" | "environment";

export class Camera {
  facing: Facing = "user";
  private stream: MediaStream | undefined;
  private turn = 0;

  /** `changed` is told when the camera goes away or comes back by itself. */
  constructor(
    readonly video: HTMLVideoElement,
    private changed: (trouble: Trouble | undefined) => void,
  ) {}

  get on(): boolean {
    return this.stream !== undefined;
  }

  get settings(): MediaTrackSettings {
    return this.stream?.getVideoTracks()[0]?.getSettings() ?? {};
  }

  /** A mirror is expected of every camera but the one that looks away from the person. */
  get mirrored(): boolean {
    return (this.settings.facingMode ?? this.facing) !== "environment";
  }

  /** Throws CameraError; also where it was stopped, or started again, before the camera had come. */
  async start(facing: Facing = this.facing): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraError(isSecureContext ? "none_found" : "insecure");
    this.stop(); // first: many phones cannot open two cameras at once
    this.facing = facing;
    const wanted = { facingMode: facing, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    const turn = this.turn;
    const mine = await this.open({ video: wanted, audio: false }).catch((error: unknown) => {
      throw new CameraError(troubleOf(error));
    });
    if (turn !== this.turn) {
      for (const track of mine.getTracks()) track.stop();
      throw new CameraError("cameraOther");
    }
    this.stream = mine;
    const track = mine.getVideoTracks()[0]!;
    track.onended = () => {
      if (this.stream !== mine) return;
      this.stop();
      this.changed("lost");
    };
    track.onmute = () => this.stream === mine && this.changed("muted");
    track.onunmute = () => this.stream === mine && this.changed(undefined);
    this.video.srcObject = mine;
    await this.play();
  }

  /** Also after the page was hidden: Safari pauses the element. */
  async play(): Promise<void> {
    if (this.on && this.video.paused) await this.video.play().catch(() => {});
  }

  async hasSeveral(): Promise<boolean> {
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  stop(): void {
    this.turn++;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
    this.video.srcObject = null;
  }

  private async open(wanted: MediaStreamConstraints): Promise<MediaStream> {
    try {
      return await navigator.mediaDevices.getUserMedia(wanted);
    } catch (error) {
      if ((error as Error).name !== "OverconstrainedError") throw error;
      return navigator.mediaDevices.getUserMedia({ video: true, audio: false });
    }
  }
}
