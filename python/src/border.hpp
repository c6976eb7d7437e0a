// The border between Python and c_api.h: who owns a handle, how a failure is raised, and what
// happens to the interpreter's lock and to exceptions of Python code that the library calls.
#pragma once

#include <nanobind/nanobind.h>
#include <sluice/c_api.h>

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
    const nb::gil_scoped_release unlocked;
    outcome.status = std::forward<Call>(work)(&error);
  }
  const ErrorHandle owned(error);
  outcome.message = sluice_error_message(error);
  outcome.exception = pending.exception();
  return outcome;
}

/// The same; throws what Python code threw, else Failure.
template <typename Call>
void call(Call&& work) {
  const Outcome outcome = outcome_of(std::forward<Call>(work));
  if (outcome.exception) std::rethrow_exception(outcome.exception);
  if (outcome.status != SLUICE_OK) throw Failure(outcome.status, outcome.message);
}

/// The text that `give(char** text, sluice_error**)` gives.
template <typename Give>
std::string text_of(Give&& give) {
  char* text = nullptr;
  call([&](sluice_error** error) { return give(&text, error); });
  const TextHandle owned(text);
  return text;
}

}  // namespace sluice_python
