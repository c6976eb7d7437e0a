// The matrix instructions of base/ptx.cuh for the interpreter: fragments are put together to whole
// matrices by the layouts of the PTX ISA manual (9.7.14), multiplied by loops, and taken apart
// again.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/ptx.cuh"
#include "sluice/base/bf16.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kAllLanes = 0xffffffffu;
constexpr int kWarp = 32;

struct MmaArgument {
  float* d;
  const std::uint32_t *a, *b;
};

float upper(std::uint32_t bits) { return to_float(Bf16{static_cast<std::uint16_t>(bits >> 16)}); }
float lower(std::uint32_t bits) { return to_float(Bf16{static_cast<std::uint16_t>(bits)}); }

float from_tf32(std::uint32_t bits) {
  bits &= 0xffffe000u;  // the instruction does not look at the last 13 bits
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// d += A B with A [16,kK] and B [kK,8] put together by `load`.
template <std::size_t kK, typename Load>
void multiply(void* const* lanes, Load load) {
  std::array<std::array<float, kK>, 16> a{};
  std::array<std::array<float, 8>, kK> b{};
  for (int lane = 0; lane < kWarp; ++lane) {
    load(*static_cast<const MmaArgument*>(lanes[lane]), lane / 4, lane % 4, a, b);
  }
  for (int lane = 0; lane < kWarp; ++lane) {
    const int group = lane / 4, pair = lane % 4;
    float* d = static_cast<const MmaArgument*>(lanes[lane])->d;
    for (int i = 0; i < 4; ++i) {
      const auto row = static_cast<std::size_t>(group + (i < 2 ? 0 : 8));
      const auto column = static_cast<std::size_t>(2 * pair + i % 2);
      float sum = d[i];
      for (std::size_t k = 0; k < kK; ++k) sum += a[row][k] * b[k][column];
      d[i] = sum;
    }
  }
}

void execute_bf16(void* const* lanes) {
  multiply<16>(lanes, [](const MmaArgument& lane, int group, int pair, auto& a, auto& b) {
    const auto row = static_cast<std::size_t>(group), k = static_cast<std::size_t>(2 * pair);
    for (std::size_t part = 0; part < 4; ++part) {
      const std::size_t r = row + (part % 2 == 0 ? 0 : 8), c = k + (part < 2 ? 0 : 8);
      a[r][c] = lower(lane.a[part]);
      a[r][c + 1] = upper(lane.a[part]);
    }
    for (std::size_t part = 0; part < 2; ++part) {
      b[k + 8 * part][row] = lower(lane.b[part]);
      b[k + 8 * part + 1][row] = upper(lane.b[part]);
    }
  });
}

void execute_tf32(void* const* lanes) {
  multiply<8>(lanes, [](const MmaArgument& lane, int group, int pair, auto& a, auto& b) {
    const auto row = static_cast<std::size_t>(group), k = static_cast<std::size_t>(pair);
    for (std::size_t part = 0; part < 4; ++part) {
      a[row + (part % 2 == 0 ? 0 : 8)][k + (part < 2 ? 0 : 4)] = from_tf32(lane.a[part]);
    }
    for (std::size_t part = 0; part < 2; ++part) b[k + 4 * part][row] = from_tf32(lane.b[part]);
  });
}

struct LoadArgument {
  std::uint32_t* r;
  const unsigned char* row;
};

template <bool kTransposed>
void execute_ldmatrix(void* const* lanes) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::uint16_t element[8][8];
    for (int row = 0; row < 8; ++row) {
      const auto* from = static_cast<const LoadArgument*>(lanes[8 * matrix + row]);
      std::memcpy(element[row], from->row, sizeof element[row]);
    }
    for (int lane = 0; lane < kWarp; ++lane) {
      const int group = lane / 4, pair = lane % 4;
      const std::uint32_t low = kTransposed ? element[2 * pair][group] : element[group][2 * pair];
      const std::uint32_t high =
          kTransposed ? element[2 * pair + 1][group] : element[group][2 * pair + 1];
      static_cast<const LoadArgument*>(lanes[lane])->r[matrix] = low | (high << 16);
    }
  }
}

float rounded_to_22_bits(float x) {
  if (!std::isfinite(x)) return x;
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x2u) & 0xfffffffcu;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace

float tanh_approx(float x) {
  float y = std::tanh(x);
  std::uint32_t bits;
  std::memcpy(&bits, &y, sizeof bits);
  bits = (bits + 0x1000u) & 0xffffe000u;  // to 10 bits of mantissa and the hidden one: 2^-11
  std::memcpy(&y, &bits, sizeof y);
  return y;
}

float exp2_approx(float x) {
  const float y = rounded_to_22_bits(std::exp2(x));
  return y < std::numeric_limits<float>::min() ? 0.0f : y;
}

float reciprocal_approx(float x) { return rounded_to_22_bits(1.0f / x); }

std::uint32_t to_tf32(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits + 0x1000u) & 0xffffe000u;
}

void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       Here where) {
  MmaArgument argument{d, a, b};
  simt::warp_collective("mma.m16n8k16", kAllLanes, &argument, execute_bf16, where);
}

void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                      Here where) {
  MmaArgument argument{d, a, b};
  simt::warp_collective("mma.m16n8k8", kAllLanes, &argument, execute_tf32, where);
}

void ldmatrix_x4(std::uint32_t (&r)[4], const void* row, Here where) {
  simt::expect_shared("ldmatrix", row, 16, 16, where);
  LoadArgument argument{r, static_cast<const unsigned char*>(row)};
  simt::warp_collective("ldmatrix", kAllLanes, &argument, execute_ldmatrix<false>, where);
}

void ldmatrix_x4_trans(std::uint32_t (&r)[4], const void* row, Here where) {
  simt::expect_shared("ldmatrix.trans", row, 16, 16, where);
  LoadArgument argument{r, static_cast<const unsigned char*>(row)};
  simt::warp_collective("ldmatrix.trans", kAllLanes, &argument, execute_ldmatrix<true>, where);
}

void store_global_16(void* global, const std::uint32_t (&words)[4], Here where) {
  simt::expect_aligned("st.global.v4", global, sizeof words, where);
  std::memcpy(global, words, sizeof words);
}

}  // namespace sluice
