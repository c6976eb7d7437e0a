#include "engine/fused/pack.hpp"

#include <algorithm>

#include "engine/fused/kernels.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice {
namespace {

void put(float value, float& to) { to = value; }
void put(float value, Bf16& to) { to = to_bf16(value); }

// Rows [gate*H + first unit ...) of a matrix [4H,width] to the columns k of packed
// [k/P][gate][V][P]. The V rows read are few enough for the first cache.
template <typename Number>
void pack_columns(const FusedLayerShape& shape, int u, const float* matrix, int width,
                  Number* packed) {
  const int V = shape.V, P = shape.P, units = std::min(V, shape.H - u * V);
  for (int gate = 0; gate < 4; ++gate) {
    const float scale = gate == 2 ? FusedScale::tanh : FusedScale::sigmoid;
    const float* rows = matrix + (std::int64_t{gate} * shape.H + u * V) * width;
    for (int k = 0; k < shape.padded(width); ++k) {
      Number* out = packed + (k / P * shape.gates() + gate * V) * P + k % P;
      const int real = k < width ? units : 0;
      for (int lane = 0; lane < real; ++lane) {
        put(rows[std::int64_t{lane} * width + k] * scale, out[lane * P]);
      }
      for (int lane = real; lane < V; ++lane) put(0.0f, out[lane * P]);
    }
  }
}

// Rows of a matrix [4H,columns], P of them interleaved, in blocks of at most four vectors of
// columns side by side.
template <typename Number>
void pack_rows(const FusedLayerShape& shape, int u, const float* matrix, int columns,
               Number* packed) {
  const int V = shape.V, P = shape.P, units = std::min(V, shape.H - u * V);
  const int vectors = (columns + V - 1) / V, blocks = (vectors + 3) / 4;
  const std::int64_t rows = shape.blocks() * shape.gates();
  for (int b = 0; b < blocks; ++b) {
    const int begin = vectors * b / blocks * V, end = vectors * (b + 1) / blocks * V;
    for (int gate = 0; gate < 4; ++gate) {
      for (int lane = 0; lane < V; ++lane) {
        const std::int64_t at = u * shape.gates() + gate * V + lane;
        Number* out = packed + rows * begin + at / P * P * (end - begin) + at % P;
        const int real = lane < units ? std::min(end, columns) - begin : 0;
        const float* row =
            matrix + (std::int64_t{gate} * shape.H + u * V + std::min(lane, units - 1)) * columns;
        for (int k = 0; k < real; ++k) put(row[begin + k], out[k * P]);
        for (int k = real; k < end - begin; ++k) put(0.0f, out[k * P]);
      }
    }
  }
}

void unpack_columns(const FusedLayerShape& shape, int u, const float* packed, int width,
                    float* matrix) {
  const int V = shape.V, units = std::min(V, shape.H - u * V);
  for (int gate = 0; gate < 4; ++gate) {
    float* rows = matrix + (std::int64_t{gate} * shape.H + u * V) * width;
    for (int k = 0; k < width; ++k) {
      const float* in = packed + k * shape.gates() + gate * V;
      for (int lane = 0; lane < units; ++lane) rows[std::int64_t{lane} * width + k] = in[lane];
    }
  }
}

}  // namespace

template <typename Number>
void pack_forward(const FusedLayerShape& shape, int u, const float* weights, Number* packed,
                  float* bias) {
  const std::int64_t H = shape.H;
  Number* of_x = packed + u * shape.gates() * (shape.padded(shape.C) + shape.padded(shape.H));
  const float* R = weights + 4 * H * shape.C;
  pack_columns(shape, u, weights, shape.C, of_x);
  pack_columns(shape, u, R, shape.H, of_x + shape.padded(shape.C) * shape.gates());
  FusedLayerShape alone = shape;
  alone.P = 1;
  pack_columns(alone, u, R + 4 * H * H, 1, bias + u * shape.gates());
}

template <typename Number>
void pack_backward(const FusedLayerShape& shape, int u, const float* weights, Number* dh_weights,
                   Number* dx_weights) {
  pack_rows(shape, u, weights + std::int64_t{4} * shape.H * shape.C, shape.H, dh_weights);
  pack_rows(shape, u, weights, shape.C, dx_weights);
}

void unpack_gradient(const FusedLayerShape& shape, int u, const float* packed, float* dweights) {
  const std::int64_t H = shape.H;
  const float* own = packed + u * shape.gates() * (shape.C + H + 1);
  float* dR = dweights + 4 * H * shape.C;
  unpack_columns(shape, u, own, shape.C, dweights);
  unpack_columns(shape, u, own + shape.C * shape.gates(), shape.H, dR);
  unpack_columns(shape, u, own + (shape.C + H) * shape.gates(), 1, dR + 4 * H * H);
}

template void pack_forward(const FusedLayerShape&, int, const float*, float*, float*);
template void pack_backward(const FusedLayerShape&, int, const float*, float*, float*);
template void pack_forward(const FusedLayerShape&, int, const float*, Bf16*, float*);
template void pack_backward(const FusedLayerShape&, int, const float*, Bf16*, Bf16*);

}  // namespace sluice
