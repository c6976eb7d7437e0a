// Three kernels and a sort, all small: the gradient of T N inputs is read once.
#include "engine/embedding_gradient.hpp"

#include <bit>

#include "base/launch.cuh"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 128;

__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

// Pair i is embedding i % count of window i / count; its key is where that row of the table begins
// in the flat parameters: a key is of one embedding only.
__global__ void __launch_bounds__(kThreads)
    places_kernel(WindowRows rows, std::uint64_t* __restrict__ places,
                  std::int32_t* __restrict__ pairs) {
  const std::int64_t i = thread_index();
  const int count = rows.space.embedding_count;
  if (i >= rows.N * count) return;
  const std::int64_t s = rows.windows[i / count].series;
  places[i] =
      static_cast<std::uint64_t>(embedding_place(rows.space, s, static_cast<int>(i % count)));
  pairs[i] = static_cast<std::int32_t>(i);
}

// One thread a window and column: the sum over its steps, in their order, in double.
__global__ void __launch_bounds__(kThreads)
    window_sums_kernel(WindowRows rows, EmbeddingColumns columns, const float* __restrict__ dx,
                       const float* __restrict__ dcontext, float* __restrict__ sums) {
  const std::int64_t i = thread_index(), N = rows.N, E = columns.series;
  if (i >= N * E) return;
  const SpaceView& space = rows.space;
  const std::int64_t n = i / E, column = i % E, C = space.C;
  double sum = 0;
  const int steps = patches(space);
  for (std::int64_t j = first_begun(space, rows.windows[n]); j < steps; ++j) {
    sum += static_cast<double>(dx[(j * N + n) * C + C - E - columns.patch + column]);
  }
  for (std::int64_t j = 0; j < steps - space.first_head_step; ++j) {
    sum += static_cast<double>(dcontext[(j * N + n) * columns.head + column]);
  }
  sums[i] = static_cast<float>(sum);
}

// One thread a sorted pair and column; it works if its pair is the first of its row.
__global__ void __launch_bounds__(kThreads)
    rows_kernel(WindowRows rows, int E, int widest, const std::uint64_t* __restrict__ places,
                const std::int32_t* __restrict__ pairs, const float* __restrict__ sums,
                float* __restrict__ gradient) {
  const SpaceView& space = rows.space;
  const int count = space.embedding_count;
  const std::int64_t i = thread_index() / widest, size = rows.N * count;
  if (i >= size || (i > 0 && places[i - 1] == places[i])) return;
  const auto column = static_cast<int>(thread_index() % widest);
  const int embedding = pairs[i] % count;
  if (column >= space.embedding_width[embedding]) return;
  int first = 0;  // of this embedding's columns
  for (int e = 0; e < embedding; ++e) first += space.embedding_width[e];
  float total = 0;
  for (std::int64_t k = i; k < size && places[k] == places[i]; ++k) {
    total += sums[std::int64_t{pairs[k] / count} * E + first + column];
  }
  gradient[places[i] + static_cast<std::uint64_t>(column)] = total;
}

}  // namespace

EmbeddingGradient::EmbeddingGradient(const ModelSpec& spec, DeviceContext& context)
    : context_(context),
      count_(static_cast<int>(spec.embeddings.size())),
      columns_(embedding_columns(spec)) {
  const ParamLayout layout(spec);
  const ParamBlock& last = layout.block("linear.bias");
  begin_ = last.offset + last.size;
  key_bits_ = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(layout.size())));
  for (const ModelSpec::Embedding& e : spec.embeddings) {
    if (e.width > widest_) widest_ = e.width;
    size_ += std::int64_t{e.cardinality} * e.width;
  }
}

void EmbeddingGradient::prepare(std::int64_t N) {
  if (count_ == 0) return;
  DeviceMemory& memory = context_.memory();
  const std::int64_t size = N * count_;
  const char* purpose = "the gradient of the embeddings";
  sort_.prepare(memory, size);
  places_.grow(memory, size, purpose);
  sorted_places_.grow(memory, size, purpose);
  pairs_.grow(memory, size, purpose);
  sorted_pairs_.grow(memory, size, purpose);
  window_sums_.grow(memory, N * columns_.series, purpose);
}

void EmbeddingGradient::begin(const WindowRows& rows, DeviceSpan<float> gradient) {
  if (count_ == 0) return;
  cudaStream_t stream = context_.stream();
  const std::int64_t size = rows.N * count_;
  launch(places_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream, rows,
         places_.data(), pairs_.data());
  sort_.sort(places_.first(size), pairs_.first(size), sorted_places_.first(size),
             sorted_pairs_.first(size), key_bits_, stream);
  set_zero(gradient.subspan(begin_, size_), stream);
}

void EmbeddingGradient::run(const WindowRows& rows, DeviceSpan<const float> dx,
                            DeviceSpan<const float> dcontext, DeviceSpan<float> gradient) {
  if (count_ == 0) return;
  cudaStream_t stream = context_.stream();
  const int E = columns_.series;
  launch(window_sums_kernel, {.blocks = blocks_for(rows.N * E, kThreads), .threads = kThreads},
         stream, rows, columns_, dx.data(), dcontext.data(), window_sums_.data());
  launch(rows_kernel,
         {.blocks = blocks_for(rows.N * count_ * widest_, kThreads), .threads = kThreads}, stream,
         rows, E, widest_, sorted_places_.data(), sorted_pairs_.data(), window_sums_.data(),
         gradient.data());
}

}  // namespace sluice
