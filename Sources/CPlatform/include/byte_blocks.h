/// Sixteen bytes at a time, as bits of a mask: Swift's SIMD types compare but do not give the mask as a number.
#ifndef VOLLEY_PLATFORM_BYTE_BLOCKS_H
#define VOLLEY_PLATFORM_BYTE_BLOCKS_H

#include <stdint.h>
#include <string.h>

typedef uint8_t platform_bytes16 __attribute__((ext_vector_type(16)));
typedef _Bool platform_flags16 __attribute__((ext_vector_type(16)));

static inline platform_bytes16 platform_load16(const uint8_t *bytes) {
  platform_bytes16 block;
  memcpy(&block, bytes, sizeof block);
  return block;
}

static inline uint32_t platform_mask16(platform_bytes16 lanes) {
  platform_flags16 flags = __builtin_convertvector(lanes, platform_flags16);
  uint16_t mask;
  memcpy(&mask, &flags, sizeof mask);
  return mask;
}

/// Bit i is set where byte i at `bytes` is `value`; 16 bytes must be readable.
static inline uint32_t platform_find_byte16(const uint8_t *bytes, uint8_t value) {
  return platform_mask16((platform_bytes16)(platform_load16(bytes) == (platform_bytes16)value));
}

/// Bit i is set where byte i at `first` is `a` and byte i at `second` is `b`; 16 bytes must be readable at both.
static inline uint32_t platform_find_pair16(const uint8_t *first, uint8_t a, const uint8_t *second, uint8_t b) {
  return platform_mask16((platform_bytes16)(platform_load16(first) == (platform_bytes16)a) &
                         (platform_bytes16)(platform_load16(second) == (platform_bytes16)b));
}

/// Bit i is set where byte i at `bytes` starts a character of UTF-8, that is, is no continuation byte; 16 bytes must be
/// readable.
static inline uint32_t platform_character_starts16(const uint8_t *bytes) {
  return platform_mask16((platform_bytes16)((platform_load16(bytes) & (platform_bytes16)0xC0) != (platform_bytes16)0x80));
}

/// Bit i is set where byte i at `bytes` is above 0x7F; 16 bytes must be readable.
static inline uint32_t platform_high_bytes16(const uint8_t *bytes) {
  return platform_mask16((platform_bytes16)(platform_load16(bytes) > (platform_bytes16)0x7F));
}

/// Bit i is set where byte i at `bytes` is what a JSON string cannot hold as it is: a quote, a backslash or a control
/// character; 16 bytes must be readable.
static inline uint32_t platform_json_specials16(const uint8_t *bytes) {
  platform_bytes16 block = platform_load16(bytes);
  return platform_mask16((platform_bytes16)(block == (platform_bytes16)'"') | (platform_bytes16)(block == (platform_bytes16)'\\') |
                         (platform_bytes16)(block < (platform_bytes16)0x20));
}

#endif
