declare const __VERSION__: string;
declare module "*.onnx?url" {
  const url: string;
  export default url;
}
declare module "*.png?url" {
  const url: string;
  export default url;
}
