// sluice._sluice: c_api.h for Python. Nothing is decided here; what users call is Python above it.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "border.hpp"

namespace sluice_python {
namespace {

using Clock = std::chrono::steady_clock;

/// How often Python code runs during a training, so that it does not slow it down.
constexpr std::chrono::milliseconds kBetweenLooks{100};

constexpr const char* kStreamName = "arrow_array_stream";

/// A result of the library, which is read once: Arrow's PyCapsule interface.
class Stream {
 public:
  Stream() = default;
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, {})) {}
  ~Stream() {
    if (stream_.release != nullptr) stream_.release(&stream_);
  }
  Stream& operator=(Stream&&) = delete;

  ArrowArrayStream* get() { return &stream_; }

  /// `requested` may be ignored, says the interface.
  nb::object capsule(const nb::object& /*requested*/) {
    if (stream_.release == nullptr) throw nb::value_error("this table has been read already");
    auto moved = std::make_unique<ArrowArrayStream>(std::exchange(stream_, {}));
    PyObject* made = PyCapsule_New(moved.get(), kStreamName, [](PyObject* object) {
      auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(object, kStreamName));
      if (stream->release != nullptr) stream->release(stream);
      delete stream;
    });
    if (made == nullptr) {
      moved->release(moved.get());
      throw nb::python_error();
    }
    moved.release();
    return nb::steal(made);
  }

 private:
  ArrowArrayStream stream_ = {};
};

/// The stream that a capsule owns until somebody takes it.
ArrowArrayStream* stream_in(const nb::object& capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), kStreamName));
  if (stream == nullptr) throw nb::python_error();
  return stream;
}

struct Model {
  ModelHandle handle;
};

/// Calls Python at an epoch's end and some times a second: signals first, then the callable, whose
/// False ends the training.
class Watch {
 public:
  explicit Watch(std::optional<nb::callable> callable) : callable_(std::move(callable)) {}

  static int look(const sluice_progress* progress, void* user) {
    return static_cast<Watch*>(user)->goes_on(*progress) ? 1 : 0;
  }

 private:
  bool goes_on(const sluice_progress& p) {
    const auto now = Clock::now();
    if (p.epoch_end == 0 && now - last_ < kBetweenLooks) return true;
    last_ = now;
    const Locked locked;
    bool on = true;
    const bool kept = Pending::keep([&] {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      if (!callable_) return;
      const nb::object said = (*callable_)(
          p.label, p.epoch, p.step, p.total_steps, p.fraction, p.seconds, p.windows_per_second,
          p.train_loss, p.valid_loss, p.epoch_end != 0, p.learning_rate, p.refit);
      on = said.ptr() != Py_False;
    });
    return kept && on;
  }

  std::optional<nb::callable> callable_;
  Clock::time_point last_ = Clock::now();
};

class Job {
 public:
  explicit Job(std::optional<nb::callable> watch)
      : watch_(std::move(watch)), handle_(made_by<JobHandle>(sluice_job_new)) {
    call([&](sluice_error** error) {
      return sluice_job_set_watch(get(), Watch::look, &watch_, error);
    });
  }

  void set(const std::string& key, const std::string& value) {
    call([&](sluice_error** error) {
      return sluice_job_set(get(), key.c_str(), value.c_str(), error);
    });
  }
  void set_file(const std::string& path) {
    call([&](sluice_error** error) { return sluice_job_set_file(get(), path.c_str(), error); });
  }
  void add_table(int kind, const std::string& name, const nb::object& table) {
    const nb::object capsule = table.attr("__arrow_c_stream__")();
    ArrowArrayStream* stream = stream_in(capsule);
    call([&](sluice_error** error) {
      return sluice_job_add_table(get(), static_cast<sluice_table>(kind), name.c_str(), stream,
                                  error);
    });
  }
  sluice_job* get() const { return handle_.get(); }

 private:
  Watch watch_;
  JobHandle handle_;
};

const sluice_model* handle_of(const Model* model) {
  return model != nullptr ? model->handle.get() : nullptr;
}

/// The model, whether it was ended, and the exception of Python code that ended it, or None.
nb::tuple train(const Job& job) {
  sluice_model* made = nullptr;
  const Outcome outcome =
      outcome_of([&](sluice_error** error) { return sluice_train(job.get(), &made, error); });
  ModelHandle model(made);
  if (outcome.status != SLUICE_OK && !model) {
    if (outcome.exception) std::rethrow_exception(outcome.exception);
    throw Failure(outcome.status, outcome.message);
  }
  nb::object raised = nb::none();
  if (outcome.exception) {
    try {
      std::rethrow_exception(outcome.exception);
    } catch (nb::python_error& error) {
      raised = nb::borrow(error.value());
    }
  }
  return nb::make_tuple(nb::cast(Model{std::move(model)}), outcome.status == SLUICE_INTERRUPTED,
                        raised);
}

nb::tuple forecast(const Job& job, const Model& model) {
  Stream stream;
  const std::string left_out = text_of([&](char** text, sluice_error** error) {
    return sluice_forecast(job.get(), model.handle.get(), stream.get(), text, error);
  });
  return nb::make_tuple(nb::cast(std::move(stream)), left_out);
}

nb::tuple evaluate(const Job& job, const Model* model) {
  Stream stream;
  const std::string report = text_of([&](char** text, sluice_error** error) {
    return sluice_evaluate(job.get(), handle_of(model), stream.get(), text, error);
  });
  return nb::make_tuple(nb::cast(std::move(stream)), report);
}

std::string score(const Job& job, const std::vector<nb::object>& tables) {
  std::vector<nb::object> capsules;
  std::vector<ArrowArrayStream> streams;
  for (const nb::object& table : tables) {
    capsules.push_back(table.attr("__arrow_c_stream__")());
    stream_in(capsules.back());
  }
  streams.reserve(capsules.size());
  // Only now, when nothing can fail any more: whoever takes a stream has to release it.
  for (const nb::object& capsule : capsules) {
    streams.push_back(std::exchange(*stream_in(capsule), {}));
  }
  return text_of([&](char** text, sluice_error** error) {
    return sluice_score(job.get(), streams.data(), streams.size(), text, error);
  });
}

Model load(const std::string& path) {
  return {made_by<ModelHandle>([&](sluice_model** made, sluice_error** error) {
    return sluice_model_load(path.c_str(), made, error);
  })};
}

/// The callable that receives the log, which outlives no interpreter: set to None at its exit.
nb::object& receiver() {
  static auto* kept = new nb::object();
  return *kept;
}

void receive(sluice_log_level level, const char* message, void* /*user*/) {
  const Locked locked;
  Pending::keep([&] {
    const nb::object to = receiver();
    if (to.is_valid() && !to.is_none()) to(static_cast<int>(level), message);
  });
}

void set_log(const nb::object& callable) {
  receiver() = callable;
  const Unlocked unlocked;  // a receiver that is at work ends first
  sluice_set_log(callable.is_none() ? nullptr : receive, nullptr);
}

const char* class_of(sluice_status status) {
  switch (status) {
    case SLUICE_CONFIG_ERROR:
      return "ConfigError";
    case SLUICE_DATA_ERROR:
      return "DataError";
    case SLUICE_DEVICE_ERROR:
      return "DeviceError";
    case SLUICE_INTERRUPTED:
      return "Interrupted";
    case SLUICE_OK:
    case SLUICE_INTERNAL_ERROR:
      break;
  }
  return "InternalError";
}

void translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Failure& failure) {
    const nb::object type = nb::module_::import_("sluice.errors").attr(class_of(failure.status));
    PyErr_SetString(type.ptr(), failure.what());
  }
}

}  // namespace

NB_MODULE(_sluice, m) {
  nb::register_exception_translator(translate);
  // A daemon's thread that is at work when the interpreter ends keeps its job: no bug of anybody's.
  nb::set_leak_warnings(false);

  nb::class_<Stream>(m, "Stream")
      .def("__arrow_c_stream__", &Stream::capsule, nb::arg("requested_schema") = nb::none());

  nb::class_<Model>(m, "Model")
      .def_static("load", load, nb::arg("path"))
      .def(
          "save",
          [](const Model& model, const std::string& path) {
            call([&](sluice_error** error) {
              return sluice_model_save(model.handle.get(), path.c_str(), error);
            });
          },
          nb::arg("path"))
      .def("info", [](const Model& model) {
        return text_of([&](char** text, sluice_error** error) {
          return sluice_model_info(model.handle.get(), text, error);
        });
      });

  nb::class_<Job>(m, "Job")
      .def(nb::init<std::optional<nb::callable>>(), nb::arg("watch") = nb::none())
      .def("set", &Job::set, nb::arg("key"), nb::arg("value"))
      .def("set_file", &Job::set_file, nb::arg("path"))
      .def("add_table", &Job::add_table, nb::arg("kind"), nb::arg("name"), nb::arg("table"));
  m.attr("DATA") = static_cast<int>(SLUICE_TABLE_DATA);
  m.attr("FUTURE") = static_cast<int>(SLUICE_TABLE_FUTURE);
  m.attr("STATICS") = static_cast<int>(SLUICE_TABLE_STATICS);

  m.def("train", train, nb::arg("job"));
  m.def("forecast", forecast, nb::arg("job"), nb::arg("model"));
  m.def("evaluate", evaluate, nb::arg("job"), nb::arg("model").none());
  m.def("score", score, nb::arg("job"), nb::arg("windows"));
  m.def(
      "check",
      [](const Job& job) {
        return text_of([&](char** text, sluice_error** error) {
          return sluice_check(job.get(), text, error);
        });
      },
      nb::arg("job"));
  m.def(
      "settings",
      [](const Job& job, const Model* model) {
        return text_of([&](char** text, sluice_error** error) {
          return sluice_job_settings(job.get(), handle_of(model), text, error);
        });
      },
      nb::arg("job"), nb::arg("model").none());
  m.def(
      "explain",
      [](const std::string& filter) {
        return text_of([&](char** text, sluice_error** error) {
          return sluice_explain(filter.c_str(), text, error);
        });
      },
      nb::arg("filter"));
  m.def(
      "simulate",
      [](const std::string& path, int stores, int items, int days, std::uint64_t seed) {
        call([&](sluice_error** error) {
          return sluice_simulate(path.c_str(), stores, items, days, seed, error);
        });
      },
      nb::arg("path"), nb::arg("stores"), nb::arg("items"), nb::arg("days"), nb::arg("seed"));

  m.def("version", [] { return std::string(sluice_version()); });
  m.def("api_version", [] { return sluice_api_version(); });
  m.attr("API_VERSION") = SLUICE_API_VERSION;
  m.def("set_log", set_log, nb::arg("receiver").none());
  nb::module_::import_("atexit").attr("register")(nb::cpp_function([] { set_log(nb::none()); }));
}

}  // namespace sluice_python
