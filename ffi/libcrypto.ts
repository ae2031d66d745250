/** libcrypto of OpenSSL, 1.1 or 3: AES-256-GCM in six calls, whose names and arguments both share. */
import { openLibrary } from "./library.ts";

const EVP_CTRL_GCM_GET_TAG = 0x10;
const EVP_CTRL_GCM_SET_TAG = 0x11;
/** What libcrypto reads of the arrays that it is given, whatever their length. */
const keyBytes = 32, nonceBytes = 12;
const tagBytes = 16;

/** Newest first. */
const sonames = ["libcrypto.so.3", "libcrypto.so.1.1"] as const;

const symbols = {
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" }, // EVP_CIPHER_CTX *
  EVP_aes_256_gcm: { parameters: [], result: "pointer" }, // const EVP_CIPHER *
  EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "buffer"], result: "i32" }, // EVP_CIPHER_CTX *, int type, int arg, void *
  EVP_EncryptInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  }, // EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key, const unsigned char *iv
  EVP_EncryptUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  }, // EVP_CIPHER_CTX *, unsigned char *out, int *outl, const unsigned char *in, int inl
  EVP_EncryptFinal_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" }, // EVP_CIPHER_CTX *, unsigned char *out, int *outl
  EVP_DecryptInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  },
  EVP_DecryptUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_DecryptFinal_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libcrypto = Deno.DynamicLibrary<typeof symbols>["symbols"];
type Bytes = Uint8Array<ArrayBuffer>;

/** AES-256-GCM with nonces of 12 bytes, for one thread; its one context lives as long as the process. */
export class AesGcm {
  readonly #crypto: Libcrypto;
  readonly #context: Deno.PointerObject;
  readonly #cipher: Deno.PointerObject;
  readonly #length = new Int32Array(1);
  readonly #rest = new Uint8Array(tagBytes);

  private constructor(crypto: Libcrypto) {
    const context = crypto.EVP_CIPHER_CTX_new(), cipher = crypto.EVP_aes_256_gcm();
    if (context === null || cipher === null) throw new Error("libcrypto has no AES-256-GCM");
    this.#crypto = crypto;
    this.#context = context;
    this.#cipher = cipher;
  }

  /** null: this machine has none, or none that can be used. */
  static open(): AesGcm | null {
    for (const soname of sonames) {
      try {
        return new AesGcm(openLibrary(soname, symbols, "libssl3").symbols);
      } catch {
        // Another one may be there.
      }
    }
    return null;
  }

  /** Writes ciphertext and tag of `message`, to which `bound` is bound, `into` an array of their length. */
  seal(key: Bytes, nonce: Bytes, bound: Bytes, message: Bytes, into: Bytes): void {
    const crypto = this.#crypto, context = this.#context, length = this.#length;
    const isSealed = key.length === keyBytes && nonce.length === nonceBytes &&
      into.length >= message.length + tagBytes &&
      crypto.EVP_EncryptInit_ex(context, this.#cipher, null, key, nonce) === 1 &&
      crypto.EVP_EncryptUpdate(context, null, length, bound, bound.length) === 1 &&
      crypto.EVP_EncryptUpdate(context, into, length, message, message.length) === 1 &&
      crypto.EVP_EncryptFinal_ex(context, this.#rest, length) === 1 &&
      crypto.EVP_CIPHER_CTX_ctrl(
          context,
          EVP_CTRL_GCM_GET_TAG,
          tagBytes,
          into.subarray(message.length),
        ) === 1;
    if (!isSealed) throw new Error("libcrypto does not seal");
  }

  /** The message; null where it is not authentic. */
  open(key: Bytes, nonce: Bytes, bound: Bytes, sealed: Bytes): Bytes | null {
    const crypto = this.#crypto, context = this.#context, length = this.#length;
    const messageBytes = sealed.length - tagBytes;
    if (messageBytes < 0) return null;
    const message = new Uint8Array(messageBytes);
    const isAuthentic = key.length === keyBytes && nonce.length === nonceBytes &&
      crypto.EVP_DecryptInit_ex(context, this.#cipher, null, key, nonce) === 1 &&
      crypto.EVP_DecryptUpdate(context, null, length, bound, bound.length) === 1 &&
      crypto.EVP_DecryptUpdate(context, message, length, sealed, messageBytes) === 1 &&
      crypto.EVP_CIPHER_CTX_ctrl(
          context,
          EVP_CTRL_GCM_SET_TAG,
          tagBytes,
          sealed.subarray(messageBytes),
        ) === 1 &&
      crypto.EVP_DecryptFinal_ex(context, this.#rest, length) === 1;
    return isAuthentic ? message : null;
  }
}
