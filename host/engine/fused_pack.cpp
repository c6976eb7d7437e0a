#include "engine/fused_pack.hpp"

#include <algorithm>

#include "engine/fused_kernels.hpp"

namespace sluice {
namespace {

// Rows [gate*H + first unit ...) of a matrix [4H,width] to the columns k of packed [k][gate][V].
// Written in order; the V rows read are few enough for the first cache.
void pack_columns(const FusedLayerShape& shape, int u, const float* matrix, int width,
                  float* packed) {
  const int V = shape.V, units = std::min(V, shape.H - u * V);
  for (int gate = 0; gate < 4; ++gate) {
    const float scale = gate == 2 ? FusedScale::tanh : FusedScale::sigmoid;
    const float* rows = matrix + (std::int64_t{gate} * shape.H + u * V) * width;
    for (int k = 0; k < width; ++k) {
      float* out = packed + k * shape.gates() + gate * V;
      for (int lane = 0; lane < units; ++lane) {
        out[lane] = rows[std::int64_t{lane} * width + k] * scale;
      }
      std::fill(out + units, out + V, 0.0f);
    }
  }
}

// Rows of a matrix [4H,columns], blocks of at most four vectors of columns side by side.
void pack_rows(const FusedLayerShape& shape, int u, const float* matrix, int columns,
               float* packed) {
  const int V = shape.V, units = std::min(V, shape.H - u * V);
  const int vectors = (columns + V - 1) / V, blocks = (vectors + 3) / 4;
  const std::int64_t rows = shape.blocks() * shape.gates();
  for (int b = 0; b < blocks; ++b) {
    const int begin = vectors * b / blocks * V, end = vectors * (b + 1) / blocks * V;
    const int real = std::min(end, columns) - begin;
    for (int gate = 0; gate < 4; ++gate) {
      for (int lane = 0; lane < V; ++lane) {
        float* out = packed + rows * begin + (u * shape.gates() + gate * V + lane) * (end - begin);
        const int copied = lane < units ? real : 0;
        const float* row =
            matrix + (std::int64_t{gate} * shape.H + u * V + (lane < units ? lane : 0)) * columns;
        std::copy_n(row + begin, copied, out);
        std::fill(out + copied, out + (end - begin), 0.0f);
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

void pack_forward(const FusedLayerShape& shape, int u, const float* weights, float* packed,
                  float* bias) {
  const std::int64_t H = shape.H;
  float* own = packed + u * shape.gates() * (shape.C + H);
  const float* R = weights + 4 * H * shape.C;
  pack_columns(shape, u, weights, shape.C, own);
  pack_columns(shape, u, R, shape.H, own + shape.C * shape.gates());
  pack_columns(shape, u, R + 4 * H * H, 1, bias + u * shape.gates());
}

void pack_backward(const FusedLayerShape& shape, int u, const float* weights, float* dh_weights,
                   float* dx_weights) {
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

}  // namespace sluice
