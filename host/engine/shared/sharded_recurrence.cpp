// A batch of sequences dealt to threads. Sequences of an LSTM never meet, so a thread can take some
// of them through all T steps alone; oneDNN's own threading meets at a barrier after every product
// of every step, which at small batches costs more than the products, and collapses when another
// process takes a core.
//
// The price is one copy of x and h into and out of each shard's own arrays, a few percent of the
// products' time. Shards are kept small enough for one step's gates to stay in a core's cache.
#include <omp.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/recurrence.hpp"

namespace sluice {
namespace {

/// Sequences of the largest shard.
constexpr std::int64_t kMaxShard = 128;

class ShardedRecurrence final : public Recurrence {
 public:
  ShardedRecurrence(int C, int H, int L, int threads,
                    std::function<std::unique_ptr<Recurrence>()> make)
      : C_(C), H_(H), L_(L), threads_(threads), make_(std::move(make)) {
    add_shard();
  }

  std::string name() const override { return shards_.front().recurrence->name(); }
  void prepare(int T, int N, bool training) override;
  void load(std::span<const float> weights) override;
  void infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
             StateOut last) override;
  void forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
               std::span<float> h, StateOut last) override;
  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial) override;

 private:
  struct Shard {
    std::unique_ptr<Recurrence> recurrence;
    std::vector<float> x, h;              ///< of forward(), for backward()
    std::vector<float> infer_x, infer_h;  ///< an inference between them disturbs nothing
    std::vector<float> dweights, first_h, first_c, last_h, last_c;
  };
  /// Sequences [begin, end) of a batch.
  struct Range {
    std::int64_t begin, end;
    std::int64_t size() const { return end - begin; }
  };

  void add_shard();
  /// A multiple of the threads as long as there are sequences, each at most kMaxShard.
  std::int64_t shard_count(std::int64_t N) const {
    const std::int64_t rounds = (N + kMaxShard * threads_ - 1) / (kMaxShard * threads_);
    return std::min(N, rounds * threads_);
  }
  static Range range(std::int64_t shard, std::int64_t count, std::int64_t N) {
    return {N * shard / count, N * (shard + 1) / count};
  }
  /// Calls work(shard, range) for each shard, threads in parallel; throws what the first failing
  /// one threw.
  template <typename Work>
  void for_each_shard(std::int64_t N, Work work);
  void run(int T, int N, const Input& x, StateIn initial, const DropoutKey* dropout,
           std::span<float> h, StateOut last);

  int C_, H_, L_;
  std::int64_t threads_;
  std::function<std::unique_ptr<Recurrence>()> make_;
  std::vector<Shard> shards_;
  std::vector<float> weights_;
  std::int64_t T_ = 0, N_ = 0;  ///< of the last forward()
};

/// Copies sequences [begin, begin + n) of [steps, N, width] into [steps, n, width], or back.
void copy_in(const float* from, std::int64_t steps, std::int64_t N, std::int64_t begin,
             std::int64_t n, std::int64_t width, float* to) {
  for (std::int64_t t = 0; t < steps; ++t) {
    std::copy_n(from + (t * N + begin) * width, n * width, to + t * n * width);
  }
}

void copy_out(const float* from, std::int64_t steps, std::int64_t N, std::int64_t begin,
              std::int64_t n, std::int64_t width, float* to) {
  for (std::int64_t t = 0; t < steps; ++t) {
    std::copy_n(from + t * n * width, n * width, to + (t * N + begin) * width);
  }
}

void ShardedRecurrence::add_shard() {
  Shard& shard = shards_.emplace_back();
  shard.recurrence = make_();
  if (!weights_.empty()) shard.recurrence->load(weights_);
}

template <typename Work>
void ShardedRecurrence::for_each_shard(std::int64_t N, Work work) {
  const std::int64_t count = shard_count(N);
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(count));
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(threads_))
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      work(shards_[at], range(i, count, N));
    } catch (const std::exception&) {
      failures[at] = std::current_exception();
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

void ShardedRecurrence::prepare(int T, int N, bool training) {
  while (static_cast<std::int64_t>(shards_.size()) < shard_count(N)) add_shard();
  // Inside a parallel region, so that what is made is made for one thread.
  for_each_shard(N, [&](Shard& shard, Range r) {
    shard.recurrence->prepare(T, static_cast<int>(r.size()), training);
    const auto grow = [](std::vector<float>& v, std::int64_t size) {
      if (static_cast<std::int64_t>(v.size()) < size) v.resize(static_cast<std::size_t>(size));
    };
    grow(training ? shard.x : shard.infer_x, T * r.size() * C_);
    grow(training ? shard.h : shard.infer_h, T * r.size() * H_);
    for (auto* state : {&shard.first_h, &shard.first_c, &shard.last_h, &shard.last_c}) {
      grow(*state, L_ * r.size() * H_);
    }
    if (training) grow(shard.dweights, recurrence_params(C_, H_, L_));
  });
}

void ShardedRecurrence::load(std::span<const float> weights) {
  weights_.assign(weights.begin(), weights.end());
  for (Shard& shard : shards_) shard.recurrence->load(weights);
}

void ShardedRecurrence::run(int T, int N, const Input& x, StateIn initial,
                            const DropoutKey* dropout, std::span<float> h, StateOut last) {
  for_each_shard(N, [&](Shard& shard, Range r) {
    const std::int64_t n = r.size();
    const auto state_size = static_cast<std::size_t>(L_ * n * H_);
    const auto in = [&](std::span<const float> from, std::vector<float>& to) {
      if (from.empty()) return std::span<const float>();
      copy_in(from.data(), L_, N, r.begin, n, H_, to.data());
      return std::span<const float>(to).first(state_size);
    };
    const auto room = [&](std::span<float> to, std::vector<float>& own) {
      return to.empty() ? std::span<float>() : std::span<float>(own).first(state_size);
    };
    const StateIn first{in(initial.h, shard.first_h), in(initial.c, shard.first_c)};
    const StateOut end{room(last.h, shard.last_h), room(last.c, shard.last_c)};
    const bool training = dropout != nullptr;
    const auto own_x =
        std::span(training ? shard.x : shard.infer_x).first(static_cast<std::size_t>(T * n * C_));
    const auto own_h =
        std::span(training ? shard.h : shard.infer_h).first(static_cast<std::size_t>(T * n * H_));
    if (x.rows() != nullptr) {
      x.rows()->write(0, T, r.begin, n, own_x.data(), n * C_);
    } else {
      copy_in(x.array().data(), T, N, r.begin, n, C_, own_x.data());
    }
    if (!training) {
      shard.recurrence->infer(T, static_cast<int>(n), own_x, first, own_h, end);
    } else {
      DropoutKey key = *dropout;
      key.first += r.begin;
      if (key.sequences == 0) key.sequences = N;
      shard.recurrence->forward(T, static_cast<int>(n), own_x, first, key, own_h, end);
    }
    if (!h.empty()) copy_out(own_h.data(), T, N, r.begin, n, H_, h.data());
    if (!end.h.empty()) copy_out(end.h.data(), L_, N, r.begin, n, H_, last.h.data());
    if (!end.c.empty()) copy_out(end.c.data(), L_, N, r.begin, n, H_, last.c.data());
  });
}

void ShardedRecurrence::infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
                              StateOut last) {
  run(T, N, x, initial, nullptr, h, last);
}

void ShardedRecurrence::forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
                                std::span<float> h, StateOut last) {
  run(T, N, x, initial, &dropout, h, last);
  T_ = T;
  N_ = N;
}

void ShardedRecurrence::backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                                 std::span<float> dweights, StateOut dinitial) {
  // x and h of the shards are read again by backward and stay as forward left them; gradients go
  // through arrays of the same size that the shard keeps for them.
  for_each_shard(N_, [&](Shard& shard, Range r) {
    const std::int64_t n = r.size();
    const auto state_size = static_cast<std::size_t>(L_ * n * H_);
    const auto in = [&](std::span<const float> from, std::vector<float>& to) {
      if (from.empty()) return std::span<const float>();
      copy_in(from.data(), L_, N_, r.begin, n, H_, to.data());
      return std::span<const float>(to).first(state_size);
    };
    const auto room = [&](std::span<float> to, std::vector<float>& own) {
      return to.empty() ? std::span<float>() : std::span<float>(own).first(state_size);
    };
    thread_local std::vector<float> own_dh, own_dx;
    own_dh.resize(static_cast<std::size_t>(T_ * n * H_));
    own_dx.resize(dx.empty() ? 0 : static_cast<std::size_t>(T_ * n * C_));
    copy_in(dh.data(), T_, N_, r.begin, n, H_, own_dh.data());
    const StateIn end{in(dlast.h, shard.last_h), in(dlast.c, shard.last_c)};
    const StateOut first{room(dinitial.h, shard.first_h), room(dinitial.c, shard.first_c)};
    const std::int64_t P = recurrence_params(C_, H_, L_);
    shard.recurrence->backward(own_dh, end, own_dx,
                               std::span(shard.dweights).first(static_cast<std::size_t>(P)), first);
    if (!dx.empty()) copy_out(own_dx.data(), T_, N_, r.begin, n, C_, dx.data());
    if (!first.h.empty()) copy_out(first.h.data(), L_, N_, r.begin, n, H_, dinitial.h.data());
    if (!first.c.empty()) copy_out(first.c.data(), L_, N_, r.begin, n, H_, dinitial.c.data());
  });
  const std::int64_t count = shard_count(N_);
  const auto P = static_cast<std::int64_t>(dweights.size());
  constexpr std::int64_t kBlock = 16'384;
#pragma omp parallel for schedule(static) \
    num_threads(static_cast <int>(threads_)) if (P * count > 400'000)
  for (std::int64_t begin = 0; begin < P; begin += kBlock) {
    const std::int64_t end = std::min(P, begin + kBlock);
    float* out = dweights.data();
    std::copy(shards_[0].dweights.data() + begin, shards_[0].dweights.data() + end, out + begin);
    for (std::int64_t shard = 1; shard < count; ++shard) {
      const float* add = shards_[static_cast<std::size_t>(shard)].dweights.data();
      for (std::int64_t i = begin; i < end; ++i) out[i] += add[i];
    }
  }
}

}  // namespace

std::unique_ptr<Recurrence> make_sharded_recurrence(
    int C, int H, int L, int threads, const std::function<std::unique_ptr<Recurrence>()>& make) {
  return std::make_unique<ShardedRecurrence>(C, H, L, threads, make);
}

}  // namespace sluice
