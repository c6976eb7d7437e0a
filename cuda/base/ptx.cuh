// Every line of inline PTX of Sluice, one function an instruction. Fragment layouts are those of
// the PTX ISA manual (9.7.14, "Warp-level matrix instructions"); lane = threadIdx.x % 32, group =
// lane / 4, pair = lane % 4.
#pragma once

#include <cstdint>

namespace sluice {

/// tanh with a relative error of at most 2^-11 (PTX ISA, tanh.approx.f32).
__device__ inline float tanh_approx(float x) {
  float y;
  asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// 2^x with a relative error of at most 2^-22 (PTX ISA, ex2.approx.ftz.f32); 0 below 2^-126.
__device__ inline float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// 1 / x within an ulp (PTX ISA, rcp.approx.ftz.f32); 0 for infinity.
__device__ inline float reciprocal_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// The bits of x as tf32 (10-bit mantissa, round to nearest, ties away).
__device__ inline std::uint32_t to_tf32(float x) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}

/// pack_bf16() of sluice/base/bf16.hpp in one instruction; NaN becomes 0x7fff.
__device__ inline std::uint32_t pack_bf16x2(float low, float high) {
  std::uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

/// The lower halves of two words in one, `low`'s below.
__device__ inline std::uint32_t lower_halves(std::uint32_t low, std::uint32_t high) {
  std::uint32_t bits;
  asm("prmt.b32 %0, %1, %2, 0x5410;" : "=r"(bits) : "r"(low), "r"(high));
  return bits;
}

/// Stores 4, 8 or 16 bytes, aligned to as many, to global memory, if `wanted`: by a predicate,
/// without a branch, and never in parts. This kernel does not read there, or only before: what is
/// stored depends on what was read, or a barrier lies between.
__device__ inline void store_if(bool wanted, void* to, const std::uint32_t (&words)[1]) {
  asm volatile("{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.b32 [%1], %2; }" ::"r"(
                   static_cast<int>(wanted)),
               "l"(to), "r"(words[0]));
}
__device__ inline void store_if(bool wanted, void* to, const std::uint32_t (&words)[2]) {
  asm volatile("{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.v2.b32 [%1], {%2,%3}; }" ::"r"(
                   static_cast<int>(wanted)),
               "l"(to), "r"(words[0]), "r"(words[1]));
}
__device__ inline void store_if(bool wanted, void* to, const std::uint32_t (&words)[4]) {
  asm volatile(
      "{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.v4.b32 [%1], {%2,%3,%4,%5}; }" ::"r"(
          static_cast<int>(wanted)),
      "l"(to), "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(words[3]));
}

/// The same address, of which the compiler does not see where it comes from: it stays whole in its
/// registers, and is not put together again at each use.
template <typename T>
__device__ inline T* whole_address(T* address) {
  asm volatile("" : "+l"(address));
  return address;
}

/// d [16,8] += a [16,16] b [16,8], bf16 with fp32 sums. All 32 lanes of the warp take part.
///   a[0]: row group,   columns 2 pair, 2 pair + 1      a[1]: row group + 8, the same columns
///   a[2]: row group,   columns 2 pair + 8, + 9         a[3]: row group + 8, the same columns
///   b[0]: rows 2 pair, 2 pair + 1 of column group      b[1]: rows 2 pair + 8, + 9
///   d[0], d[1]: row group, columns 2 pair, + 1         d[2], d[3]: row group + 8
__device__ inline void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4],
                                         const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
      "{%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// d [16,8] += a [16,8] b [8,8], tf32 with fp32 sums.
///   a[0]: row group, column pair       a[1]: row group + 8, column pair
///   a[2]: row group, column pair + 4   a[3]: row group + 8, column pair + 4
///   b[0]: row pair of column group     b[1]: row pair + 4
///   d: as above
__device__ inline void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4],
                                        const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
      "{%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Four 8x8 matrices of 16-bit elements from shared memory: lane i gives the address of row i % 8
/// of matrix i / 8 (16 bytes, aligned to 16); r[k] holds of matrix k row group, columns 2 pair,
/// + 1.
__device__ inline void ldmatrix_x4(std::uint32_t (&r)[4], const void* row) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// The same, each matrix transposed: r[k] holds rows 2 pair, + 1 of column group.
__device__ inline void ldmatrix_x4_trans(std::uint32_t (&r)[4], const void* row) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// 16 bytes to global memory, aligned to 16, in one instruction: nvcc makes four of a plain store
/// where the words are made before a branch around it.
__device__ inline void store_global_16(void* global, const std::uint32_t (&words)[4]) {
  asm volatile("st.global.v4.b32 [%0], {%1,%2,%3,%4};" ::"l"(__cvta_generic_to_global(global)),
               "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(words[3])
               : "memory");
}

/// The same to shared memory.
__device__ inline void store_shared_16(void* shared, const float (&words)[4]) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" ::"r"(address), "f"(words[0]), "f"(words[1]),
               "f"(words[2]), "f"(words[3])
               : "memory");
}

/// 16 bytes from global to shared memory without passing registers; both aligned to 16. Not there
/// before cp_async_wait and a barrier.
__device__ inline void cp_async_16(void* shared, const void* global) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(global) : "memory");
}
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits until at most `kPending` of this thread's committed groups are under way.
template <int kPending>
__device__ inline void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace sluice
