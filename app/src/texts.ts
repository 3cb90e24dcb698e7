/** Every word that a person reads. To translate the app, translate this file. */
export const texts = {
  title: "fastportrait",
  tagline: "Your background, your choice",
  lead: "Blur, replace or remove the background, live on this device. No picture leaves it.",
  start: "Use the camera",
  pick: "Choose a photo",
  drop: "or drop a photo anywhere",
  loading: "Getting ready…",
  ready: "Ready",

  backgrounds: "Background",
  none: "Original",
  blur: "Blur",
  clear: "Cut out",
  colourWhite: "White",
  colourGreen: "Green",
  colourInk: "Ink",
  colourOwn: "Your colour",
  pictureDawn: "Dawn",
  pictureStudio: "Studio",
  pictureNight: "Night lights",
  pictureOwn: "Your picture",
  strengthBlur: "Blur",
  strengthLight: "Edge light",

  photo: "Take a photo",
  savePhoto: "Save this photo",
  record: "Record a clip",
  stop: "Stop recording",
  flip: "Switch camera",
  open: "Open a photo",
  mirror: "Mirror the preview",
  sound: "Record sound",
  close: "Close",
  save: "Save",
  share: "Share",
  saved: "Saved",
  backToCamera: "Back to the camera",
  photoReady: "Your photo",
  clipReady: "Your clip",
  recording: "Recording",

  nobody: "Nobody is in the picture",
  refused: "The camera is blocked for this page. Allow it in your browser’s site settings, then try again.",
  insecure: "Browsers give the camera only to pages with a secure address (https). Choose a photo instead.",
  none_found: "No camera was found on this device. Choose a photo instead.",
  busy: "Another app is using the camera. Close it, then try again.",
  lost: "The camera was disconnected. Connect it, then try again.",
  muted: "The camera is paused by the system. It goes on when the other app lets it go.",
  cameraOther: "The camera could not be started. Try again, or choose a photo.",
  memory: "This device ran out of memory. Close other pages or apps, then try again.",
  engine: "The network could not be loaded. Check the connection, then try again.",
  unreadable: "This file is not a picture that the browser can open.",
  noRecorder: "This browser cannot record video.",
  noSound: "Recording without sound: the microphone is blocked.",
  failed: "That did not work. Try again.",
  retry: "Try again",
  paused: "Paused while hidden",

  update: "A new version is ready.",
  updateNow: "Update",
  offlineReady: "Ready to work offline",

  about: "About",
  aboutLead: "A person is found in each picture by a network of less than one megabyte that runs in this page.",
  aboutPrivate: "Private: pictures, clips and measurements stay on this device unless you save or share them. Nothing is fetched from elsewhere and nobody is counted.",
  aboutOffline: "Offline: after the first visit the page works without a connection. Add it to your home screen to open it like an app.",
  aboutRuns: "Runs on",
  aboutTerms: "Code: Apache-2.0. Model: for research only, see LICENSE-WEIGHTS.",
  aboutLicences: "Licences",
  authority: "For offline use on this address, install the certificate of the computer that serves it.",
  authorityGet: "Get the certificate and the steps",

  measure: "Measure this phone",
  measureLead: "Runs the camera and the network for some minutes and times every frame, so that you see how fast this device is and whether it slows down as it warms up. Keep this page in front.",
  minutes: "Minutes",
  measureStart: "Start",
  measureStop: "Stop",
  measureNoCamera: "The measurement needs the camera.",
  measureHidden: "The page was hidden, so the measurement stopped. Keep it in front and start again.",
  measureRunning: "Measuring",
  latency: "Camera to display",
  network: "Network",
  fps: "Frames per second",
  worst: "95 % within",
  saveResult: "Save the result",
  shareResult: "Share the result",
  seconds: "s",
  ms: "ms",
} as const;

export type Text = keyof typeof texts;

/** Fills every element of `root` that names a text: data-text its content, data-label its accessible name. */
export function fill(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-text]")) element.textContent = texts[element.dataset.text as Text];
  for (const element of root.querySelectorAll<HTMLElement>("[data-label]")) {
    element.setAttribute("aria-label", texts[element.dataset.label as Text]);
    element.title = texts[element.dataset.label as Text];
  }
}
