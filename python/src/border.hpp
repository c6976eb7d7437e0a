// The border between Python and c_api.h: who owns a handle, how a failure is raised, and what
// happens to the interpreter's lock and to exceptions of Python code that the library calls.
#pragma once

#include <cxxabi.h>
#include <nanobind/nanobind.h>
#include <sluice/c_api.h>
#include <unistd.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace sluice_python {

namespace nb = nanobind;

template <typename T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* pointer) const { kFree(pointer); }
};
template <typename T, void (*kFree)(T*)>
using Owned = std::unique_ptr<T, Freed<T, kFree>>;
using JobHandle = Owned<sluice_job, sluice_job_free>;
using ModelHandle = Owned<sluice_model, sluice_model_free>;
using ErrorHandle = Owned<sluice_error, sluice_error_free>;
using TextHandle = Owned<char, sluice_text_free>;

/// Takes the interpreter's lock by `take`. An interpreter that has ended gives it to nobody: before
/// 3.14 Python then unwinds the thread (a daemon's, mostly), and the first noexcept function on the
/// way would abort the process. Here the thread sleeps until the process ends, as 3.14 has it.
template <typename Take>
auto take_lock(Take&& take) {
  try {
    return std::forward<Take>(take)();
  } catch (abi::__forced_unwind&) {
    for (;;) ::pause();
  }
}

/// Has the interpreter's lock while it lives.
class Locked {
 public:
  Locked() : state_(take_lock([] { return PyGILState_Ensure(); })) {}
  ~Locked() { PyGILState_Release(state_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  PyGILState_STATE state_;
};

/// Leaves the interpreter's lock to others while it lives.
class Unlocked {
 public:
  Unlocked() : state_(PyEval_SaveThread()) {}
  ~Unlocked() {
    take_lock([this] { PyEval_RestoreThread(state_); });
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* state_;
};

/// What a call of the library said; raised as the class of its status in sluice.errors.
struct Failure : std::exception {
  Failure(sluice_status which, std::string text) : status(which), message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }
  sluice_status status;
  std::string message;
};

/// An exception of Python code (a handler of signals, a callback, a handler of the log) that ran
/// while the library worked in this thread; it is raised when the library has returned. While one
/// waits, no other Python code runs and a training is ended.
class Pending {
 public:
  Pending() : before_(std::exchange(innermost_, this)) {}
  ~Pending() { innermost_ = before_; }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  /// Runs `python` with the lock held and keeps what it throws. False: something was thrown, now or
  /// before.
  template <typename Python>
  static bool keep(Python&& python) noexcept {
    Pending* here = innermost_;
    if (here != nullptr && here->exception_) return false;
    try {
      std::forward<Python>(python)();
      return true;
    } catch (nb::python_error& error) {
      if (here != nullptr) {
        here->exception_ = std::current_exception();
      } else {
        error.discard_as_unraisable("sluice");
      }
    } catch (const std::exception&) {
      if (here != nullptr) here->exception_ = std::current_exception();
    }
    return false;
  }

  const std::exception_ptr& exception() const { return exception_; }

 private:
  static inline thread_local Pending* innermost_ = nullptr;
  Pending* before_;
  std::exception_ptr exception_;
};

/// What a call of the library left: its status, its message and what Python code threw meanwhile.
struct Outcome {
  sluice_status status = SLUICE_OK;
  std::string message;
  std::exception_ptr exception;
};

/// Calls the library without the interpreter's lock.
template <typename Call>
Outcome outcome_of(Call&& work) {
  Pending pending;
  sluice_error* error = nullptr;
  Outcome outcome;
  {
    const Unlocked unlocked;
    outcome.status = std::forward<Call>(work)(&error);
  }
  const ErrorHandle owned(error);
  outcome.message = sluice_error_message(error);
  outcome.exception = pending.exception();
  return outcome;
}

/// Throws what Python code threw, else Failure where the call failed.
inline void raise(const Outcome& outcome) {
  if (outcome.exception) std::rethrow_exception(outcome.exception);
  if (outcome.status != SLUICE_OK) throw Failure(outcome.status, outcome.message);
}

/// outcome_of, raised.
template <typename Call>
void call(Call&& work) {
  raise(outcome_of(std::forward<Call>(work)));
}

/// What `give(T** made, sluice_error**)` gives. It is owned before anything is thrown: Python code
/// may throw while the library succeeds.
template <typename Handle, typename Give>
Handle made_by(Give&& give) {
  typename Handle::pointer made = nullptr;
  const Outcome outcome = outcome_of([&](sluice_error** error) { return give(&made, error); });
  Handle owned(made);
  raise(outcome);
  return owned;
}

template <typename Give>
std::string text_of(Give&& give) {
  return made_by<TextHandle>(std::forward<Give>(give)).get();
}

}  // namespace sluice_python
