// One thread per unit of a sequence, or per 4 neighbouring units where H and the addresses divide
// by
// 4. Memory bound: in fp32 forward moves 11 floats a unit in training (4 pre-activations in, 4
// gates out, c in and out, h out) for some 40 operations, backward 14.
#include "recurrence/gemm/cell.hpp"

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/model/cell.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

/// Where a thread's units lie: in [N,H] arrays, and gate by gate in [N,4H] arrays.
struct Units {
  std::uint32_t n, j;
  std::int64_t at, gate;
};

template <int kWidth>
__device__ inline Units units_of_thread(int hidden) {
  const auto H = static_cast<std::uint32_t>(hidden);
  const std::uint32_t pack = blockIdx.x * kThreads + threadIdx.x, packs_a_row = H / kWidth;
  Units units;
  units.n = pack / packs_a_row;
  units.j = kWidth * (pack - units.n * packs_a_row);
  units.at = std::int64_t{units.n} * hidden + units.j;
  units.gate = std::int64_t{units.n} * 4 * hidden + units.j;
  return units;
}

/// Null gives zeros.
template <int kWidth>
__device__ inline Pack<float, kWidth> load_or_zero(const float* from, std::int64_t at) {
  if (from == nullptr) return {};
  return load_pack<kWidth>(from + at);
}

/// The pre-activations of gate `gate`, with their bias.
template <int kWidth>
__device__ inline Pack<float, kWidth> load_gate(const float* a, const float* bias, std::int64_t at,
                                                std::int64_t of_bias) {
  Pack<float, kWidth> sum = load_pack<kWidth>(a + at);
  const Pack<float, kWidth> b = load_pack<kWidth>(bias + of_bias);
  for (int k = 0; k < kWidth; ++k) sum.v[k] += b.v[k];
  return sum;
}

template <int kWidth, typename Element>
__global__ void __launch_bounds__(kThreads) run_cells(CellForwardStep<Element> step) {
  const Units units = units_of_thread<kWidth>(step.H);
  if (units.n >= step.N) return;
  const std::int64_t H = step.H;
  Pack<float, kWidth> a[4];
  for (int gate = 0; gate < 4; ++gate) {
    a[gate] = load_gate<kWidth>(step.a, step.bias, units.gate + gate * H, units.j + gate * H);
  }
  const Pack<float, kWidth> c_prev = load_or_zero<kWidth>(step.c_prev, units.at);
  Pack<float, kWidth> c, h_full;
  Pack<Element, kWidth> h, gates[4];
  for (int k = 0; k < kWidth; ++k) {
    const Gates<float> gate = gate_values(a[0].v[k], a[1].v[k], a[2].v[k], a[3].v[k]);
    const CellState<float> state = cell_forward(gate, c_prev.v[k]);
    c.v[k] = state.c;
    h_full.v[k] = state.h;
    h.v[k] = from_float<Element>(state.h);
    gates[0].v[k] = from_float<Element>(gate.i);
    gates[1].v[k] = from_float<Element>(gate.f);
    gates[2].v[k] = from_float<Element>(gate.g);
    gates[3].v[k] = from_float<Element>(gate.o);
  }
  store_pack(step.c + units.at, c);
  store_pack(step.h + units.n * step.h_pitch + units.j, h);
  if (step.gates != nullptr) {
    for (int gate = 0; gate < 4; ++gate)
      store_pack(step.gates + units.gate + gate * H, gates[gate]);
  }
  if (step.h_full != nullptr) store_pack(step.h_full + units.at, h_full);
  if (step.h_last != nullptr) store_pack(step.h_last + units.at, h_full);
  if (step.c_last != nullptr) store_pack(step.c_last + units.at, c);
}

template <int kWidth, typename Element>
__global__ void __launch_bounds__(kThreads) run_cells_back(CellBackwardStep<Element> step) {
  const Units units = units_of_thread<kWidth>(step.H);
  if (units.n >= step.N) return;
  const std::int64_t H = step.H;
  Pack<Element, kWidth> gates[4];
  for (int gate = 0; gate < 4; ++gate) {
    gates[gate] = load_pack<kWidth>(step.gates + units.gate + gate * H);
  }
  const Pack<float, kWidth> c = load_pack<kWidth>(step.c + units.at);
  const Pack<float, kWidth> c_prev = load_or_zero<kWidth>(step.c_prev, units.at);
  const Pack<float, kWidth> dh_above = load_pack<kWidth>(step.dh_above + units.at);
  const Pack<float, kWidth> dh_next = load_or_zero<kWidth>(step.dh_next, units.at);
  const Pack<float, kWidth> dc_next = load_or_zero<kWidth>(step.dc_next, units.at);
  Pack<Element, kWidth> da[4];
  Pack<float, kWidth> dc_prev;
  for (int k = 0; k < kWidth; ++k) {
    const Gates<float> gate{to_float(gates[0].v[k]), to_float(gates[1].v[k]),
                            to_float(gates[2].v[k]), to_float(gates[3].v[k])};
    const CellGradient<float> d =
        cell_backward(gate, c.v[k], c_prev.v[k], dh_above.v[k] + dh_next.v[k], dc_next.v[k]);
    da[0].v[k] = from_float<Element>(d.a_i);
    da[1].v[k] = from_float<Element>(d.a_f);
    da[2].v[k] = from_float<Element>(d.a_g);
    da[3].v[k] = from_float<Element>(d.a_o);
    dc_prev.v[k] = d.c_prev;
  }
  for (int gate = 0; gate < 4; ++gate) store_pack(step.da + units.gate + gate * H, da[gate]);
  store_pack(step.dc_prev + units.at, dc_prev);
}

template <typename Element>
void launch_forward(const CellForwardStep<Element>& step, cudaStream_t stream) {
  const bool packs =
      step.H % 4 == 0 && step.h_pitch % 4 == 0 &&
      aligned({step.a, step.bias, step.c_prev, step.c, step.h_full, step.h_last, step.c_last},
              4 * sizeof(float)) &&
      aligned({step.h, step.gates}, 4 * sizeof(Element));
  const std::int64_t units = step.N * step.H;
  if (packs) {
    launch(run_cells<4, Element>, {.blocks = blocks_for(units / 4, kThreads), .threads = kThreads},
           stream, step);
  } else {
    launch(run_cells<1, Element>, {.blocks = blocks_for(units, kThreads), .threads = kThreads},
           stream, step);
  }
}

template <typename Element>
void launch_backward(const CellBackwardStep<Element>& step, cudaStream_t stream) {
  const bool packs =
      step.H % 4 == 0 &&
      aligned({step.c, step.c_prev, step.dh_above, step.dh_next, step.dc_next, step.dc_prev},
              4 * sizeof(float)) &&
      aligned({step.gates, step.da}, 4 * sizeof(Element));
  const std::int64_t units = step.N * step.H;
  if (packs) {
    launch(run_cells_back<4, Element>,
           {.blocks = blocks_for(units / 4, kThreads), .threads = kThreads}, stream, step);
  } else {
    launch(run_cells_back<1, Element>, {.blocks = blocks_for(units, kThreads), .threads = kThreads},
           stream, step);
  }
}

}  // namespace

void cell_step_forward(const CellForwardStep<float>& step, cudaStream_t stream) {
  launch_forward(step, stream);
}

void cell_step_forward(const CellForwardStep<Bf16>& step, cudaStream_t stream) {
  launch_forward(step, stream);
}

void cell_step_backward(const CellBackwardStep<float>& step, cudaStream_t stream) {
  launch_backward(step, stream);
}

void cell_step_backward(const CellBackwardStep<Bf16>& step, cudaStream_t stream) {
  launch_backward(step, stream);
}

}  // namespace sluice
