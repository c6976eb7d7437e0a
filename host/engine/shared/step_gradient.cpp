#include "engine/shared/step_gradient.hpp"

#include <algorithm>

#include "sluice/model/params.hpp"

namespace sluice {

StepGradient::StepGradient(const ModelSpec& spec) : columns_(embedding_columns(spec)) {
  if (spec.step_embeddings.empty()) return;
  const ParamLayout layout(spec);
  begin_ = layout.block("step_embedding.0.weight").offset;
  const auto size = static_cast<std::size_t>(layout.size() - begin_);
  total_.resize(size);
  run_.resize(size);
  rows_in_run_.resize(size);
}

void StepGradient::add(const WindowRows& rows, std::span<const float> dx,
                       std::span<const float> dcontext, std::span<float> gradient) {
  const SpaceView& space = rows.space;
  if (space.step_embedding_count == 0) return;
  const std::int64_t steps = read_steps(space), W = columns_.steps;
  reads_.resize(std::max(reads_.size(), static_cast<std::size_t>(rows.N * steps * W)));
#pragma omp parallel for schedule(static)
  for (std::int64_t n = 0; n < rows.N; ++n) {
    float* read = reads_.data() + n * steps * W;
    for (std::int64_t j = 0; j < steps; ++j) {
      for (int column = 0; column < W; ++column) {
        *read++ = read_gradient(rows, columns_, n, j, column, dx.data(), dcontext.data());
      }
    }
  }
  std::ranges::fill(total_, 0.0);
  std::ranges::fill(run_, 0.0);
  std::ranges::fill(rows_in_run_, 0);
  const auto end_run = [&](std::int64_t at) {
    double& run = run_[static_cast<std::size_t>(at)];
    total_[static_cast<std::size_t>(at)] += static_cast<double>(static_cast<float>(run));
    run = 0;
  };
  const int* widths = space.embedding_width + space.embedding_count;
  for (std::int64_t n = 0; n < rows.N; ++n) {
    for (std::int64_t j = 0; j < steps; ++j) {
      const float* read = reads_.data() + (n * steps + j) * W;
      for (int e = 0; e < space.step_embedding_count; read += widths[e++]) {
        const std::int64_t place = read_place(rows, n, j, e);
        if (place < 0) continue;
        const std::int64_t at = place - begin_;
        for (int i = 0; i < widths[e]; ++i) {
          run_[static_cast<std::size_t>(at + i)] += static_cast<double>(read[i]);
        }
        if (++rows_in_run_[static_cast<std::size_t>(at)] % kRun != 0) continue;
        for (int i = 0; i < widths[e]; ++i) end_run(at + i);
      }
    }
  }
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(total_.size()); ++at) {
    end_run(at);
    gradient[static_cast<std::size_t>(begin_ + at)] +=
        static_cast<float>(total_[static_cast<std::size_t>(at)]);
  }
}

}  // namespace sluice
