#include "interpreter.hpp"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/stack_context.hpp>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "shadow/cuda_runtime.h"

// Only there under AddressSanitizer, which must be told when a fiber takes another's place.
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom,
                                                          std::size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom,
                                                           std::size_t* size);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* begin,
                                                         std::size_t size);
}

simt::Dim threadIdx, blockIdx, blockDim, gridDim;

namespace simt {
namespace {

constexpr int kWarp = 32;
constexpr std::size_t kRedzone = 256;
constexpr unsigned char kRedzoneByte = 0xA5, kUnset = 0xFF;  // all ones read as NaN
constexpr std::size_t kStackBytes = 256 * 1024;

std::string place(std::source_location where) {
  const char* file = std::strrchr(where.file_name(), '/');
  return std::string(file == nullptr ? where.file_name() : file + 1) + ":" +
         std::to_string(where.line());
}

[[noreturn]] void fail(const std::string& what) { throw std::logic_error("simt: " + what); }

struct AsyncCopy {
  void* to;
  const void* from;
  std::size_t bytes;
};

/// Thrown in fibers that are still under way when another one has failed.
struct Abandoned {};

/// Stacks by the index of the thread in its block, kept from block to block.
class Stack {
 public:
  explicit Stack(std::size_t index) {
    static std::deque<std::vector<unsigned char>> memory;
    while (memory.size() <= index) memory.emplace_back(kStackBytes);
    bottom_ = memory[index].data();
    // The last frame of the fiber before never returned.
    if (__asan_unpoison_memory_region != nullptr) {
      __asan_unpoison_memory_region(bottom_, kStackBytes);
    }
  }
  boost::context::stack_context allocate() const {
    boost::context::stack_context context;
    context.size = kStackBytes;
    context.sp = bottom_ + kStackBytes;
    return context;
  }
  void deallocate(boost::context::stack_context&) const {}
  const void* bottom() const { return bottom_; }

 private:
  unsigned char* bottom_;
};

void leave_for(void** fake_stack, const void* bottom, std::size_t size) {
  if (__sanitizer_start_switch_fiber != nullptr) {
    __sanitizer_start_switch_fiber(fake_stack, bottom, size);
  }
}
void arrive(void* fake_stack, const void** bottom, std::size_t* size) {
  if (__sanitizer_finish_switch_fiber != nullptr) {
    __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
  }
}

enum class Status { ready, block_barrier, warp_barrier, done };

struct Thread {
  boost::context::fiber fiber;
  boost::context::fiber* scheduler = nullptr;  // where this thread goes back to
  const void* bottom = nullptr;                // of its stack
  void* fake_stack = nullptr;
  Status status = Status::ready;
  std::source_location where;
  const char* name = "";
  std::uint32_t mask = 0;
  void* argument = nullptr;
  Execute execute = nullptr;
  std::vector<AsyncCopy> open;                // not yet committed
  std::deque<std::vector<AsyncCopy>> groups;  // committed, oldest first
};

class Block {
 public:
  Block(const Grid& grid, std::int64_t index, const std::function<void()>& body,
        std::mt19937_64& random)
      : grid_(grid), body_(body), random_(random) {
    blockIdx = {static_cast<unsigned>(index), 0, 0};
    blockDim = {static_cast<unsigned>(grid.threads), 1, 1};
    gridDim = {static_cast<unsigned>(grid.blocks), 1, 1};
    memory_.assign(grid.shared_bytes + 2 * kRedzone + kAlign, kRedzoneByte);
    const auto base = reinterpret_cast<std::uintptr_t>(memory_.data()) + kRedzone;
    shared_ = reinterpret_cast<unsigned char*>((base + kAlign - 1) / kAlign * kAlign);
    std::memset(shared_, kUnset, grid.shared_bytes);
  }

  void run();

  void yield() {
    Thread& self = running();
    boost::context::fiber& scheduler = *self.scheduler;
    leave_for(&self.fake_stack, scheduler_bottom_, scheduler_size_);
    scheduler = std::move(scheduler).resume();
    arrive(self.fake_stack, &scheduler_bottom_, &scheduler_size_);
    if (error_) throw Abandoned();
  }
  Thread& running() { return threads_[running_]; }
  void warp_arrive();

  unsigned char* shared() const { return shared_; }
  std::size_t shared_bytes() const { return grid_.shared_bytes; }
  bool coin() { return (random_() & 1) != 0; }

 private:
  static constexpr std::size_t kAlign = 128;

  void make_threads();
  void resume(std::size_t index);
  void release_barrier();
  /// fail(), where the fibers have still to be unwound.
  void give_up(const std::string& what) {
    error_ = std::make_exception_ptr(std::logic_error("simt: " + what));
  }
  std::string waiting() const;
  void check_redzones() const;

  const Grid& grid_;
  const std::function<void()>& body_;
  std::mt19937_64& random_;
  std::vector<unsigned char> memory_;
  unsigned char* shared_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<std::size_t> ready_;
  std::size_t running_ = 0, done_ = 0, at_barrier_ = 0;
  const void* scheduler_bottom_ = nullptr;
  std::size_t scheduler_size_ = 0;
  std::exception_ptr error_;
};

Block* current = nullptr;
Counts total;
std::mt19937_64 generator(1);

void Block::make_threads() {
  threads_.resize(static_cast<std::size_t>(grid_.threads));
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    ready_.push_back(i);
    const Stack stack(i);
    threads_[i].bottom = stack.bottom();
    threads_[i].fiber =
        boost::context::fiber(std::allocator_arg, stack, [this](boost::context::fiber&& back) {
          arrive(nullptr, &scheduler_bottom_, &scheduler_size_);
          running().scheduler = &back;
          try {
            body_();
            const Thread& self = running();
            if (!self.open.empty() || !self.groups.empty()) {
              fail("a thread ends with a cp.async that it never waited for");
            }
          } catch (const std::exception&) {
            if (!error_) error_ = std::current_exception();
          } catch (const Abandoned&) {
          }
          running().status = Status::done;
          leave_for(nullptr, scheduler_bottom_, scheduler_size_);
          return std::move(back);
        });
  }
}

void Block::resume(std::size_t index) {
  running_ = index;
  threadIdx = {static_cast<unsigned>(index), 0, 0};
  Thread& thread = threads_[index];
  void* fake_stack = nullptr;
  leave_for(&fake_stack, thread.bottom, kStackBytes);
  thread.fiber = std::move(thread.fiber).resume();
  arrive(fake_stack, nullptr, nullptr);
  if (thread.status == Status::done) ++done_;
}

void Block::run() {
  current = this;
  make_threads();
  while (done_ < threads_.size() && !error_) {
    if (ready_.empty()) {
      if (at_barrier_ == 0 || at_barrier_ + done_ < threads_.size()) {
        give_up("threads wait for each other for ever: " + waiting());
      }
      if (!error_) release_barrier();
      if (error_) break;
    }
    const std::size_t pick = random_() % ready_.size();
    std::swap(ready_[pick], ready_.back());
    const std::size_t index = ready_.back();
    ready_.pop_back();
    resume(index);
    if (threads_[index].status == Status::block_barrier) ++at_barrier_;
  }
  if (error_) {
    for (std::size_t i = 0; i < threads_.size(); ++i) {  // unwinds the fibers that wait
      if (threads_[i].status != Status::done && threads_[i].scheduler != nullptr) resume(i);
    }
    current = nullptr;
    std::rethrow_exception(error_);
  }
  check_redzones();
  current = nullptr;
}

void Block::release_barrier() {
  if (done_ > 0) {
    return give_up("__syncthreads is reached by " + std::to_string(at_barrier_) + " threads, and " +
                   std::to_string(done_) + " have left the kernel: " + waiting());
  }
  const std::uint_least32_t line = threads_[0].where.line();
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    if (threads_[i].where.line() != line) {
      return give_up("threads meet at different __syncthreads: " + waiting());
    }
    threads_[i].status = Status::ready;
    ready_.push_back(i);
  }
  at_barrier_ = 0;
  ++total.barriers;
}

// The running thread has put down its argument. If it is the last lane of its mask, the instruction
// is carried out for all.
void Block::warp_arrive() {
  const std::size_t first = running_ / kWarp * kWarp;
  const Thread& self = running();
  void* arguments[kWarp] = {};
  for (std::size_t lane = 0; lane < kWarp; ++lane) {
    if ((self.mask >> lane & 1u) == 0) continue;
    const std::size_t index = first + lane;
    if (index >= threads_.size() || threads_[index].status == Status::done) {
      fail(std::string(self.name) + " at " + place(self.where) + " asks for lane " +
           std::to_string(lane) + ", which is not there any more");
    }
    const Thread& other = threads_[index];
    if (other.status != Status::warp_barrier) return;  // not all there yet
    if (other.execute != self.execute || other.mask != self.mask ||
        other.where.line() != self.where.line()) {
      fail(std::string("lanes of a warp meet at different instructions: ") + self.name + " at " +
           place(self.where) + " and " + other.name + " at " + place(other.where));
    }
    arguments[lane] = other.argument;
  }
  if ((self.mask >> (running_ - first) & 1u) == 0) {
    fail(std::string(self.name) + " at " + place(self.where) + " leaves out the calling lane");
  }
  self.execute(arguments);
  ++total.collectives;
  for (std::size_t lane = 0; lane < kWarp; ++lane) {
    if ((self.mask >> lane & 1u) == 0) continue;
    threads_[first + lane].status = Status::ready;
    if (first + lane != running_) ready_.push_back(first + lane);
  }
}

std::string Block::waiting() const {
  std::string text;
  int shown = 0;
  for (std::size_t i = 0; i < threads_.size() && shown < 4; ++i) {
    const Thread& t = threads_[i];
    if (t.status != Status::block_barrier && t.status != Status::warp_barrier) continue;
    if (i > 0 && threads_[i - 1].status == t.status &&
        threads_[i - 1].where.line() == t.where.line())
      continue;
    text += (shown++ > 0 ? ", thread " : "thread ") + std::to_string(i) + " at " +
            (t.status == Status::block_barrier ? "__syncthreads" : t.name) + " " + place(t.where);
  }
  return text;
}

void Block::check_redzones() const {
  const auto damaged = [](const unsigned char* begin, const unsigned char* end) {
    return std::any_of(begin, end, [](unsigned char b) { return b != kRedzoneByte; });
  };
  if (damaged(memory_.data(), shared_) ||
      damaged(shared_ + grid_.shared_bytes, memory_.data() + memory_.size())) {
    fail("a block of " + std::to_string(grid_.shared_bytes) +
         " bytes of shared memory was written beside");
  }
}

Block& block() {
  if (current == nullptr) fail("device code runs outside a kernel");
  return *current;
}

void perform(const std::vector<AsyncCopy>& copies) {
  for (const AsyncCopy& copy : copies) std::memcpy(copy.to, copy.from, copy.bytes);
}

}  // namespace

void run_grid(const Grid& grid, const std::function<void()>& thread) {
  ++total.grids;
  std::vector<std::int64_t> order(static_cast<std::size_t>(grid.blocks));
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), generator);
  for (const std::int64_t index : order) {
    Block(grid, index, thread, generator).run();
    total.threads += grid.threads;
  }
}

void seed(std::uint64_t value) { generator.seed(value); }
Counts counts() { return total; }

void sync_threads(std::source_location where) {
  Block& b = block();
  Thread& self = b.running();
  self.where = where;
  self.status = Status::block_barrier;
  b.yield();
}

void warp_collective(const char* name, std::uint32_t mask, void* argument, Execute execute,
                     std::source_location where) {
  Block& b = block();
  Thread& self = b.running();
  self.name = name;
  self.mask = mask;
  self.argument = argument;
  self.execute = execute;
  self.where = where;
  self.status = Status::warp_barrier;
  b.warp_arrive();
  if (self.status == Status::warp_barrier) b.yield();
}

unsigned char* shared_base() { return block().shared(); }
std::size_t shared_bytes() { return block().shared_bytes(); }

void expect_aligned(const char* name, const void* address, std::size_t alignment,
                    std::source_location where) {
  if (reinterpret_cast<std::uintptr_t>(address) % alignment == 0) return;
  fail(std::string(name) + " at " + place(where) + " needs an address aligned to " +
       std::to_string(alignment));
}

void expect_shared(const char* name, const void* address, std::size_t bytes, std::size_t alignment,
                   std::source_location where) {
  const Block& b = block();
  const auto* at = static_cast<const unsigned char*>(address);
  if (at < b.shared() || at + bytes > b.shared() + b.shared_bytes()) {
    fail(std::string(name) + " at " + place(where) + " reaches outside shared memory: bytes " +
         std::to_string(at - b.shared()) + " .. + " + std::to_string(bytes) + " of " +
         std::to_string(b.shared_bytes()));
  }
  expect_aligned(name, address, alignment, where);
}

void async_copy(void* shared, const void* global, std::size_t bytes, std::source_location where) {
  expect_shared("cp.async", shared, bytes, bytes, where);
  if (reinterpret_cast<std::uintptr_t>(global) % bytes != 0) {
    fail("cp.async at " + place(where) + " reads from an address not aligned to " +
         std::to_string(bytes));
  }
  block().running().open.push_back({shared, global, bytes});
}

void async_commit() {
  Thread& self = block().running();
  if (block().coin()) {  // early, as the hardware may
    perform(self.open);
    self.open.clear();
  }
  self.groups.push_back(std::move(self.open));
  self.open.clear();
}

void async_wait(int pending) {
  Thread& self = block().running();
  while (static_cast<int>(self.groups.size()) > pending) {
    perform(self.groups.front());
    self.groups.pop_front();
  }
}

}  // namespace simt
