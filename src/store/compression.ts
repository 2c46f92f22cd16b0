import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/**
 * Whatever its size, Node takes 30 µs of CPU to compress something, a quarter of what an operation is meant to take. Of less than
 * this, little would be saved for it (docs/adr/0019).
 */
const WORTH_COMPRESSING = 1_024;
/** Larger ones would keep other requests waiting: a millisecond takes 300 kB. */
const IN_BACKGROUND = 64 * 1_024;
/** What is not smaller by an eighth only costs its decompression: PDF, images, what has a Content-Encoding. */
const MOST_LEFT = 7 / 8;

/** Of all levels the one that costs least; the next ones save 1 % more of JSON. It looks back as far as 512 KB. */
const LEVEL = 1;
const WINDOW_LOG = 19;
/** The setting's largest answer, and its head. */
const LARGEST = 257 * 1_024 * 1_024;
/** What is made of memory at a time. */
const PIECE = 64 * 1_024;

/** By zstd, or undefined where that saves too little; large ones in another thread. Never rejects. */
export function compressed(bytes: Uint8Array): Buffer | undefined | Promise<Buffer | undefined> {
  if (bytes.length < WORTH_COMPRESSING) return undefined;
  const options = {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    pledgedSrcSize: bytes.length,
    chunkSize: Math.min(bytes.length, PIECE),
  };
  const worthwhile = (smaller: Buffer): Buffer | undefined =>
    smaller.length <= bytes.length * MOST_LEFT ? smaller : undefined;
  if (bytes.length < IN_BACKGROUND) return worthwhile(zstdCompressSync(bytes, options));
  return new Promise((resolve) =>
    zstdCompress(bytes, options, (error, smaller) => resolve(error === null ? worthwhile(smaller) : undefined)),
  );
}

/** Undefined where it is not `length` bytes that were compressed; takes no more memory than those. */
export function decompressed(bytes: Uint8Array, length: number): Buffer | undefined {
  if (length > LARGEST) return undefined;
  try {
    const whole = zstdDecompressSync(bytes, {
      maxOutputLength: Math.max(length, 1),
      chunkSize: Math.max(64, Math.min(length, PIECE)),
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG },
    });
    return whole.length === length ? whole : undefined;
  } catch {
    return undefined;
  }
}
