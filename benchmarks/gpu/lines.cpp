#include "gpu/lines.hpp"

#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using nlohmann::json;

json or_null(const std::string& text) { return text.empty() ? json() : json(text); }
json or_null(const std::optional<double>& value) { return value ? json(*value) : json(); }

std::string text_at(const json& j, const char* key) {
  const json& value = j.at(key);
  return value.is_null() ? std::string() : value.get<std::string>();
}

json clocks(const ClockReading& c) {
  return {{"multiprocessor_mhz", c.multiprocessor}, {"memory_mhz", c.memory}};
}

ClockReading clocks_of(const json& j) { return {j.at("multiprocessor_mhz"), j.at("memory_mhz")}; }

json samples(const Samples& s) {
  return {
      {"stream_seconds", s.stream}, {"graph_seconds", s.graph}, {"no_graph", or_null(s.no_graph)}};
}

Samples samples_of(const json& j) {
  return {j.at("stream_seconds"), j.at("graph_seconds"), text_at(j, "no_graph")};
}

json facts(const std::vector<Fact>& facts) {
  json out = json::object();
  for (const Fact& fact : facts) {
    std::visit([&](const auto& value) { out[fact.name] = value; }, fact.value);
  }
  return out;
}

std::vector<Fact> facts_of(const json& j) {
  std::vector<Fact> facts;
  for (const auto& [name, value] : j.items()) {
    if (value.is_string()) {
      facts.push_back({name, value.get<std::string>()});
    } else if (value.is_number()) {
      facts.push_back({name, value.get<double>()});
    }  // null: a number that JSON does not have
  }
  return facts;
}

template <typename Value>
Value named(const json& j, const char* key, std::initializer_list<Value> values) {
  const auto name = j.at(key).get<std::string>();
  for (const Value value : values) {
    if (to_string(value) == name) return value;
  }
  throw InternalError(name + " is no " + key);
}

}  // namespace

Line machine_line(const GpuMachine& m, const GpuRunSettings& settings) {
  return {{"kind", "machine"},
          {"device", m.device.name},
          {"compute_capability", m.device.compute_capability},
          {"multiprocessors", m.device.multiprocessors},
          {"memory_bytes", m.device.memory_bytes},
          {"shared_bytes", m.device.shared_bytes},
          {"driver", or_null(m.driver)},
          {"cuda_driver", m.device.driver},
          {"cuda_runtime", m.device.runtime},
          {"cudnn", or_null(m.cudnn)},
          {"commit", or_null(m.commit)},
          {"compiler", m.compiler},
          {"date", m.date},
          {"highest_clocks", clocks(m.highest_clocks)},
          {"settings",
           {{"repeat", settings.repeat},
            {"sample_seconds", settings.sample_seconds},
            {"graph_only", settings.graph_only}}}};
}

Line rate_line(const RateRow& row) {
  Line line = samples(row.samples);
  line["kind"] = "rate", line["name"] = row.name, line["unit"] = row.unit;
  line["work"] = row.work, line["failed"] = or_null(row.failed);
  line["facts"] = facts(row.facts);
  return line;
}

Line case_line(const GpuRow& row) {
  const GpuShape& s = row.shape;
  Line line = samples(row.samples);
  line["kind"] = "case";
  line["name"] = row.name;
  line["section"] = row.section;
  line["method"] = row.method;
  line["type"] = to_string(row.number);
  line["phase"] = to_string(row.phase);
  line["parameters"] = {{"B", s.B}, {"T", s.T}, {"I", s.I}, {"H", s.H}, {"L", s.L}};
  line["refused"] = or_null(row.refused);
  line["failed"] = or_null(row.failed);
  line["facts"] = facts(row.facts);
  line["error"] = or_null(row.error);
  line["tolerance"] = row.tolerance;
  line["flops"] = row.demand.flops;
  line["model_bytes"] = row.demand.bytes;
  line["special_functions"] = row.demand.special;
  line["clocks"] = row.clocks ? clocks(*row.clocks) : json();
  if (!row.samples.empty()) line["best_seconds"] = row.samples.best();
  return line;
}

Line lost_line(const std::string& name, const std::string& reason) {
  return {{"kind", "lost"}, {"case", name}, {"reason", reason}};
}

GpuMachine machine_of(const Line& j) {
  GpuMachine m;
  m.device.name = j.at("device");
  m.device.compute_capability = j.at("compute_capability");
  m.device.multiprocessors = j.at("multiprocessors");
  m.device.memory_bytes = j.at("memory_bytes");
  m.device.shared_bytes = j.at("shared_bytes");
  m.device.driver = j.at("cuda_driver");
  m.device.runtime = j.at("cuda_runtime");
  m.driver = text_at(j, "driver");
  m.cudnn = text_at(j, "cudnn");
  m.commit = text_at(j, "commit");
  m.compiler = j.at("compiler");
  m.date = j.at("date");
  m.highest_clocks = clocks_of(j.at("highest_clocks"));
  return m;
}

RateRow rate_of(const Line& j) {
  return {j.at("name"),         j.at("unit"),  j.at("work"),
          text_at(j, "failed"), samples_of(j), facts_of(j.at("facts"))};
}

GpuRow case_of(const Line& j) {
  GpuRow row;
  row.name = j.at("name"), row.section = j.at("section"), row.method = j.at("method");
  row.number = named(j, "type", {Number::fp32, Number::tf32, Number::bf16, Number::fp16});
  row.phase = named(j, "phase", {Phase::forward, Phase::backward, Phase::train});
  const json& s = j.at("parameters");
  row.shape = {s.at("B"), s.at("T"), s.at("I"), s.at("H"), s.at("L")};
  row.demand = {j.at("flops"), j.at("special_functions"), j.at("model_bytes")};
  row.refused = text_at(j, "refused"), row.failed = text_at(j, "failed");
  row.facts = facts_of(j.at("facts"));
  if (const json& error = j.at("error"); !error.is_null()) row.error = error.get<double>();
  row.tolerance = j.at("tolerance");
  row.samples = samples_of(j);
  if (const json& c = j.at("clocks"); !c.is_null()) row.clocks = clocks_of(c);
  return row;
}

std::string text_of(const Line& line) {
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice::bench
