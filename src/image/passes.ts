/**
 * A resize with its crop, prepared: geometry and coefficients of both passes. CPU and GPU execute the same object, so that they
 * can differ in arithmetic only.
 */
import type { Preprocess } from '../model/preprocess.ts';
import { type Coefficients, coefficients } from './filters.ts';
import { type Geometry, geometry, horizontalSpan, type Size, type Span, verticalSpan } from './geometry.ts';

export interface Passes {
  geometry: Geometry;
  /** Columns of the output that are image, not fill; and rows. */
  columns: Span;
  rows: Span;
  /** Null where that dimension does not change: Pillow skips the pass, and so source columns `columns.first…` are used. */
  horizontal: Coefficients | null;
  vertical: Coefficients | null;
  /** Source rows that the output depends on: the horizontal pass computes only these. */
  firstRow: number;
  rowCount: number;
  /** For a model of one channel: its library opens a picture as grey, and resizes that. */
  grey: boolean;
}

type Spec = Pick<Preprocess, 'resize' | 'crop' | 'filter'> & Partial<Pick<Preprocess, 'mean'>>;

/** @throws ViTError `bad-input` where a size of `spec` is not a positive whole number. */
export function planPasses(source: Size, spec: Spec): Passes {
  const sizes = geometry(source, spec);
  const columns = horizontalSpan(sizes);
  const rows = verticalSpan(sizes);
  const axis = (from: number, to: number, span: Span) =>
    from === to ? null : coefficients(spec.filter, from, to, span.first, span.count);
  const horizontal = axis(source.width, sizes.resized.width, columns);
  const vertical = axis(source.height, sizes.resized.height, rows);
  const grey = spec.mean?.length === 1;
  return { geometry: sizes, columns, rows, horizontal, vertical, grey, ...rowsRead(rows, vertical) };
}

function rowsRead(rows: Span, vertical: Coefficients | null): { firstRow: number; rowCount: number } {
  if (!vertical) return { firstRow: rows.first, rowCount: rows.count };
  const { bounds, count } = vertical;
  const firstRow = bounds[0];
  return { firstRow, rowCount: bounds[2 * count - 2] + bounds[2 * count - 1] - firstRow };
}
