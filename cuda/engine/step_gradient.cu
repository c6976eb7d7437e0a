// Four kernels and a sort. The gradients of x and of the head's context are read once.
#include "engine/step_gradient.hpp"

#include <bit>
#include <limits>

#include "base/launch.cuh"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 128;

__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

// Read i is table i % count at step i / count % steps of window i / count / steps; its key is where
// the row begins in the flat parameters, or `none`, which lies behind all of them.
__global__ void __launch_bounds__(kThreads)
    places_kernel(WindowRows rows, std::uint64_t none, std::uint64_t* __restrict__ places,
                  std::int32_t* __restrict__ reads) {
  const std::int64_t i = thread_index(), steps = read_steps(rows.space);
  const int count = rows.space.step_embedding_count;
  if (i >= rows.N * steps * count) return;
  const std::int64_t at = i / count;
  const std::int64_t place = read_place(rows, at / steps, at % steps, static_cast<int>(i % count));
  places[i] = place < 0 ? none : static_cast<std::uint64_t>(place);
  reads[i] = static_cast<std::int32_t>(i);
}

// One thread a window, step and column.
__global__ void __launch_bounds__(kThreads)
    reads_kernel(WindowRows rows, EmbeddingColumns columns, const float* __restrict__ dx,
                 const float* __restrict__ dcontext, float* __restrict__ sums) {
  const std::int64_t i = thread_index(), steps = read_steps(rows.space);
  if (i >= rows.N * steps * columns.steps) return;
  const std::int64_t at = i / columns.steps;
  sums[i] = read_gradient(rows, columns, at / steps, at % steps,
                          static_cast<int>(i % columns.steps), dx, dcontext);
}

/// The sorted reads, as the two kernels that add them see them.
struct Sorted {
  const std::uint64_t* places;
  const std::int32_t* reads;
  std::int64_t size;
  std::uint64_t none;
  int widest;
};

/// The first of the reads of the same row.
__device__ inline std::int64_t first_of(const Sorted& sorted, std::int64_t i) {
  std::int64_t low = 0, high = i;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (sorted.places[middle] < sorted.places[i]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// One thread a sorted read and column; it works if a run begins with its read.
__global__ void __launch_bounds__(kThreads)
    runs_kernel(WindowRows rows, EmbeddingColumns columns, Sorted sorted,
                const float* __restrict__ sums, float* __restrict__ runs) {
  const std::int64_t i = thread_index() / sorted.widest;
  if (i >= sorted.size || sorted.places[i] == sorted.none) return;
  const int count = rows.space.step_embedding_count, table = sorted.reads[i] % count;
  const int* widths = rows.space.embedding_width + rows.space.embedding_count;
  const auto column = static_cast<int>(thread_index() % sorted.widest);
  if (column >= widths[table] || (i - first_of(sorted, i)) % kRun != 0) return;
  int first = 0;  // of this table's columns
  for (int e = 0; e < table; ++e) first += widths[e];
  double run = 0;
  const std::int64_t end = i + kRun < sorted.size ? i + kRun : sorted.size;
  for (std::int64_t k = i; k < end && sorted.places[k] == sorted.places[i]; ++k) {
    const std::int64_t at = sorted.reads[k] / count;
    run += static_cast<double>(sums[at * columns.steps + first + column]);
  }
  runs[i * sorted.widest + column] = static_cast<float>(run);
}

// One thread a sorted read and column; it works if its read is the first of its row.
__global__ void __launch_bounds__(kThreads)
    rows_kernel(WindowRows rows, Sorted sorted, const float* __restrict__ runs,
                float* __restrict__ gradient) {
  const std::int64_t i = thread_index() / sorted.widest;
  if (i >= sorted.size || sorted.places[i] == sorted.none) return;
  if (i > 0 && sorted.places[i - 1] == sorted.places[i]) return;
  const int table = sorted.reads[i] % rows.space.step_embedding_count;
  const auto column = static_cast<int>(thread_index() % sorted.widest);
  if (column >= rows.space.embedding_width[rows.space.embedding_count + table]) return;
  double total = 0;
  for (std::int64_t k = i; k < sorted.size && sorted.places[k] == sorted.places[i]; k += kRun) {
    total += static_cast<double>(runs[k * sorted.widest + column]);
  }
  gradient[sorted.places[i] + static_cast<std::uint64_t>(column)] = static_cast<float>(total);
}

}  // namespace

DeviceStepGradient::DeviceStepGradient(const ModelSpec& spec, DeviceContext& context)
    : context_(context),
      columns_(embedding_columns(spec)),
      steps_(std::int64_t{spec.T} + spec.K),
      count_(static_cast<int>(spec.step_embeddings.size())) {
  if (count_ == 0) return;
  const ParamLayout layout(spec);
  begin_ = layout.block("step_embedding.0.weight").offset;
  size_ = layout.size() - begin_;
  key_bits_ = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(layout.size())));
  for (const ModelSpec::StepEmbedding& e : spec.step_embeddings) {
    if (e.width > widest_) widest_ = e.width;
  }
}

void DeviceStepGradient::prepare(std::int64_t N) {
  if (count_ == 0) return;
  DeviceMemory& memory = context_.memory();
  const std::int64_t size = N * steps_ * count_;
  if (size > std::numeric_limits<std::int32_t>::max()) {
    throw DeviceError("a batch reads more than 2^31 words of its steps; lower training.batch_size");
  }
  const char* purpose = "the gradient of the steps' categories";
  sort_.prepare(memory, size);
  places_.grow(memory, size, purpose);
  sorted_places_.grow(memory, size, purpose);
  reads_.grow(memory, size, purpose);
  sorted_reads_.grow(memory, size, purpose);
  sums_.grow(memory, N * steps_ * columns_.steps, purpose);
  runs_.grow(memory, size * widest_, purpose);
}

void DeviceStepGradient::begin(const WindowRows& rows, DeviceSpan<float> gradient) {
  if (count_ == 0) return;
  cudaStream_t stream = context_.stream();
  const std::int64_t size = rows.N * steps_ * count_;
  launch(places_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream, rows,
         none(), places_.data(), reads_.data());
  sort_.sort(places_.first(size), reads_.first(size), sorted_places_.first(size),
             sorted_reads_.first(size), key_bits_, stream);
  set_zero(gradient.subspan(begin_, size_), stream);
}

void DeviceStepGradient::run(const WindowRows& rows, DeviceSpan<const float> dx,
                             DeviceSpan<const float> dcontext, DeviceSpan<float> gradient) {
  if (count_ == 0) return;
  cudaStream_t stream = context_.stream();
  const std::int64_t size = rows.N * steps_ * count_;
  const std::int64_t numbers = rows.N * steps_ * columns_.steps;
  launch(reads_kernel, {.blocks = blocks_for(numbers, kThreads), .threads = kThreads}, stream, rows,
         columns_, dx.data(), dcontext.data(), sums_.data());
  const Sorted sorted{sorted_places_.data(), sorted_reads_.data(), size, none(), widest_};
  launch(runs_kernel, {.blocks = blocks_for(size * widest_, kThreads), .threads = kThreads}, stream,
         rows, columns_, sorted, sums_.data(), runs_.data());
  launch(rows_kernel, {.blocks = blocks_for(size * widest_, kThreads), .threads = kThreads}, stream,
         rows, sorted, runs_.data(), gradient.data());
}

}  // namespace sluice
