#include "engine/embedding_gradient.hpp"

#include "base/launch.cuh"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 128;

/// sums [N,E]: over the steps of window n, in double. One thread an element.
__global__ void sum_windows(WindowRows rows, int E, std::int64_t head_rows, const float* dx,
                            const float* dcontext, float* sums) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= rows.N * E) return;
  const SpaceView& space = rows.space;
  const std::int64_t n = i / E, column = i % E, start = rows.windows[n].origin - space.T + 1;
  double sum = 0;
  for (std::int64_t j = start < 0 ? -start : 0; j < space.T; ++j) {
    sum += static_cast<double>(dx[(j * rows.N + n) * space.C + space.C - E + column]);
  }
  for (std::int64_t r = n; r < head_rows; r += rows.N) {
    sum += static_cast<double>(dcontext[r * E + column]);
  }
  sums[i] = static_cast<float>(sum);
}

/// The code of embedding e of each window, and the window's place.
__global__ void code_windows(WindowRows rows, int e, std::int32_t* keys, std::int32_t* places) {
  const std::int64_t n = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (n >= rows.N) return;
  keys[n] = rows.space.codes[rows.windows[n].series * rows.space.embedding_count + e];
  places[n] = static_cast<std::int32_t>(n);
}

/// One thread a (place in the sorted list, column): the first of a code sums that code's windows.
__global__ void sum_codes(std::int64_t N, const std::int32_t* keys, const std::int32_t* places,
                          const float* sums, int E, int column, int width, float* gradient) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= N * width) return;
  const std::int64_t at = i / width, c = i % width;
  const std::int32_t key = keys[at];
  if (at > 0 && keys[at - 1] == key) return;
  float sum = 0;
  for (std::int64_t k = at; k < N && keys[k] == key; ++k) {
    sum += sums[static_cast<std::int64_t>(places[k]) * E + column + c];
  }
  gradient[static_cast<std::int64_t>(key) * width + c] = sum;
}

}  // namespace

EmbeddingGradient::EmbeddingGradient(const ModelSpec& spec, DeviceContext& context)
    : spec_(spec), context_(context) {
  const ParamBlock& last = ParamLayout(spec).block("linear.bias");
  first_ = last.offset + last.size;
}

void EmbeddingGradient::prepare(std::int64_t N) {
  DeviceMemory& memory = context_.memory();
  const char* purpose = "the embeddings' gradients";
  window_sums_.grow(memory, N * spec_.embedding_width(), purpose);
  for (auto* buffer : {&keys_, &places_, &sorted_keys_, &sorted_places_}) {
    buffer->grow(memory, N, purpose);
  }
  sort_.prepare(memory, N);
}

void EmbeddingGradient::run(const WindowRows& rows, DeviceSpan<const float> dx,
                            DeviceSpan<const float> dcontext, DeviceSpan<float> gradient) {
  cudaStream_t stream = context_.stream();
  const int E = spec_.embedding_width();
  const std::int64_t N = rows.N, head_rows = N * (spec_.T - spec_.first_head_step());
  set_zero(gradient.subspan(first_, gradient.size() - first_), stream);
  launch(sum_windows, {.blocks = blocks_for(N * E, kThreads), .threads = kThreads}, stream, rows, E,
         head_rows, dx.data(), dcontext.data(), window_sums_.data());
  int column = 0;
  std::int64_t at = first_;
  for (int e = 0; e < static_cast<int>(spec_.embeddings.size()); ++e) {
    const ModelSpec::Embedding& embedding = spec_.embeddings[static_cast<std::size_t>(e)];
    launch(code_windows, {.blocks = blocks_for(N, kThreads), .threads = kThreads}, stream, rows, e,
           keys_.data(), places_.data());
    sort_.run(N, keys_.data(), places_.data(), sorted_keys_.data(), sorted_places_.data(), stream);
    launch(sum_codes, {.blocks = blocks_for(N * embedding.width, kThreads), .threads = kThreads},
           stream, N, sorted_keys_.data(), sorted_places_.data(), window_sums_.data(), E, column,
           embedding.width, gradient.data() + at);
    column += embedding.width;
    at += static_cast<std::int64_t>(embedding.cardinality) * embedding.width;
  }
}

}  // namespace sluice
