// Takes the place of cuda/base/ptx.cuh: each instruction's meaning, from the PTX ISA manual, for
// the interpreter (matrix_instructions.cpp).
#pragma once

#include <cuda_runtime.h>
#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "interpreter.hpp"
#include "sluice/base/bf16.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

using Here = std::source_location;

/// tanh with the error that the instruction may have: the result keeps 11 bits.
float tanh_approx(float x);
/// With the errors that these may have: 22 bits are kept, and what is below 2^-126 becomes 0.
float exp2_approx(float x);
float reciprocal_approx(float x);
std::uint32_t to_tf32(float x);
inline std::uint32_t pack_bf16x2(float low, float high) { return pack_bf16(low, high); }
inline std::uint32_t lower_halves(std::uint32_t low, std::uint32_t high) {
  return (low & 0xffffu) | (high << 16);
}
template <typename T>
T* whole_address(T* address) {
  return address;
}
template <std::size_t kWords>
void store_if(bool wanted, void* to, const std::uint32_t (&words)[kWords]) {
  if (!wanted) return;
  if (reinterpret_cast<std::uintptr_t>(to) % sizeof words != 0) {
    throw InternalError(fmt::format("store_if: an address is no multiple of {}", sizeof words));
  }
  std::memcpy(to, words, sizeof words);
}
void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       Here where = Here::current());
void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                      Here where = Here::current());
void ldmatrix_x4(std::uint32_t (&r)[4], const void* row, Here where = Here::current());
void ldmatrix_x4_trans(std::uint32_t (&r)[4], const void* row, Here where = Here::current());

void store_global_16(void* global, const std::uint32_t (&words)[4], Here where = Here::current());

inline void store_shared_16(void* shared, const float (&words)[4]) {
  if (reinterpret_cast<std::uintptr_t>(shared) % sizeof words != 0) {
    throw InternalError("store_shared_16: an address is no multiple of 16");
  }
  std::memcpy(shared, words, sizeof words);
}

inline void cp_async_16(void* shared, const void* global, Here where = Here::current()) {
  simt::async_copy(shared, global, 16, where);
}
inline void cp_async_commit() { simt::async_commit(); }
template <int kPending>
void cp_async_wait() {
  simt::async_wait(kPending);
}

}  // namespace sluice
