/**
 * vit-webgpu: Vision Transformers in the browser. The public API; the only file a consumer imports.
 */
export type { Answer } from './client/answer.ts';
export type { ImageInput, PixelData } from './client/image-input.ts';
export type { Embedding, ImageList } from './client/image-list.ts';
export type { Classification } from './client/rank.ts';
export { checkSupport, type Support } from './client/support.ts';
export type { Timed } from './client/timed.ts';
export type {
  CallOptions,
  ClassifyOptions,
  EmbedOptions,
  ForwardOptions,
  LoadOptions,
  ViT,
} from './client/vit.ts';
export { loadViT } from './client/vit.ts';
export type {
  Candidate,
  EmbedTextOptions,
  Examples,
  Head,
  HeadData,
  HeadMethod,
  LearnOptions,
  SimilarityOptions,
} from './client/words/words.ts';
export { type ErrorCode, type Question, ViTError } from './error.ts';
export type { Geometry, Size } from './image/geometry.ts';
export type {
  AdapterInfo,
  AttendOptions,
  BackendName,
  Conversion,
  CpuInfo,
  EngineEvent,
  HubAccess,
  KernelCheck,
  Memory,
  ModelFiles,
  ModelInfo,
  OutputName,
  Outputs,
  Profile,
  Progress,
  RgbImage,
  SelfTest,
  StepProfile,
  Tensor,
  Text,
  Timing,
} from './interface.ts';
export type { Architecture } from './model/architecture.ts';
export type { Crop, Filter, Preprocess, Resize } from './model/preprocess.ts';
export type { Rotary } from './model/rotary.ts';
export type { TextArchitecture } from './model/text.ts';
export { type CachedModel, cachedModels, clearCache } from './weights/kept-models.ts';
export type { Calibration, Dtype, Golden, Manifest, ShardEntry, TensorEntry } from './weights/manifest.ts';
