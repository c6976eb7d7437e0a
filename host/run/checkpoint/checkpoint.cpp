// Models and training states as safetensors: parameters under PyTorch's names, everything that is
// numbers as tensors of exact bits, everything that is text as metadata.
#include "sluice/run/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "base/checksum.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;
using Shape = std::vector<std::int64_t>;

/// 2: models with categories of steps, which a program that knows 1 only would misread.
constexpr int kModelVersion = 2;
/// 3: states that know their data.
constexpr int kStateVersion = 3;
constexpr const char* kModelFormat = "sluice model";
constexpr const char* kStateFormat = "sluice training state";
constexpr const char* kChecksum = "checksum";

template <typename Number>
constexpr const char* dtype_of() {
  if constexpr (std::is_same_v<Number, float>) return "F32";
  if constexpr (std::is_same_v<Number, double>) return "F64";
  if constexpr (std::is_same_v<Number, std::int64_t>) return "I64";
  if constexpr (std::is_same_v<Number, char>) return "U8";
}

std::int64_t elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>{});
}

template <typename Number>
Tensor tensor_of(std::span<const Number> numbers, Shape shape) {
  if (elements(shape) != static_cast<std::int64_t>(numbers.size())) {
    throw InternalError(
        fmt::format("a tensor of {} numbers has {}", elements(shape), numbers.size()));
  }
  Tensor tensor{.dtype = dtype_of<Number>(), .shape = std::move(shape), .bytes = {}};
  tensor.bytes.resize(numbers.size_bytes());
  if (!numbers.empty()) std::memcpy(tensor.bytes.data(), numbers.data(), numbers.size_bytes());
  return tensor;
}

template <typename Number>
Tensor tensor_of(const std::vector<Number>& numbers) {
  return tensor_of(std::span<const Number>(numbers), {static_cast<std::int64_t>(numbers.size())});
}

Tensor scalar_of(double number) { return tensor_of(std::span<const double>(&number, 1), {}); }

Tensor lines_of(const std::vector<std::string>& texts) {
  const std::string lines = to_lines(texts);
  return tensor_of(std::span<const char>(lines), {static_cast<std::int64_t>(lines.size())});
}

/// Of all that a file holds beside this number itself.
std::string checksum_of(const Safetensors& file) {
  Checksum sum;
  for (const auto& [name, text] : file.metadata) {
    if (name == kChecksum) continue;
    sum.add(name);
    sum.add(text);
  }
  for (const auto& [name, tensor] : file.tensors) {
    sum.add(name);
    sum.add(tensor.dtype);
    sum.add(std::span<const std::uint8_t>(tensor.bytes));
  }
  return fmt::format("{:016x}", sum.value());
}

void write_checked(const std::filesystem::path& path, Safetensors& file) {
  file.metadata[kChecksum] = checksum_of(file);
  write_safetensors(path, file);
}

/// A file of a known format, with messages that name it.
class Reader {
 public:
  Reader(const std::filesystem::path& path, std::string_view setting, const char* format,
         int version, int oldest = 1)
      : path_(path.string()), file_(read_safetensors(path, setting)) {
    if (text("format") != format) {
      throw DataError(fmt::format("{}: is a {}, where a {} is needed; choose another file", path_,
                                  text("format"), format));
    }
    const std::string& written = text("format_version");
    const bool number = !written.empty() && written.size() <= 9 &&
                        written.find_first_not_of("0123456789") == std::string::npos;
    if (!number || std::stoi(written) < 1) bad("'format_version' is not a number");
    if (std::stoi(written) > version) {
      throw DataError(fmt::format(
          "{}: is of format {}, which is newer than this program's {}; update Sluice, or train the "
          "model again with this version",
          path_, written, version));
    }
    if (std::stoi(written) < oldest) {
      throw DataError(fmt::format(
          "{}: is of format {}, which is older than what this program goes on from ({}); train "
          "again without it (mode.resume = false)",
          path_, written, oldest));
    }
    // Files from before there was one, and those that others wrote, have none.
    const auto sum = file_.metadata.find(kChecksum);
    if (sum != file_.metadata.end() && sum->second != checksum_of(file_)) {
      throw DataError(fmt::format(
          "{}: has not the contents that it was written with; the file is damaged: take a copy "
          "from before, or train again (where it was edited on purpose, leave out its metadata "
          "'{}')",
          path_, kChecksum));
    }
  }

  std::string where(std::string_view name) const {
    return fmt::format("{}: metadata '{}'", path_, name);
  }
  const std::string& text(const std::string& name) const {
    const auto found = file_.metadata.find(name);
    if (found == file_.metadata.end()) bad(fmt::format("metadata '{}' is missing", name));
    return found->second;
  }
  Json object(const std::string& name) const { return parse_object(text(name), where(name)); }

  bool has(const std::string& name) const { return file_.tensors.contains(name); }

  /// The numbers of a tensor of this very shape; -1: any size there.
  template <typename Number>
  std::vector<Number> numbers(const std::string& name, const Shape& shape) const {
    const auto found = file_.tensors.find(name);
    if (found == file_.tensors.end()) bad(fmt::format("tensor '{}' is missing", name));
    const Tensor& tensor = found->second;
    const bool fits = std::ranges::equal(
        tensor.shape, shape, [](auto is, auto should) { return should < 0 || is == should; });
    if (tensor.dtype != dtype_of<Number>() || !fits) {
      bad(fmt::format("tensor '{}' is {} [{}] where {} [{}] is needed", name, tensor.dtype,
                      fmt::join(tensor.shape, ", "), dtype_of<Number>(), fmt::join(shape, ", ")));
    }
    std::vector<Number> numbers(tensor.bytes.size() / sizeof(Number));
    if (!numbers.empty()) std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    return numbers;
  }
  double scalar(const std::string& name) const { return numbers<double>(name, {})[0]; }
  std::vector<std::string> lines(const std::string& name) const {
    const std::vector<char> text = numbers<char>(name, {-1});
    return from_lines({text.data(), text.size()}, fmt::format("{}: tensor '{}'", path_, name));
  }
  std::vector<std::string> names(const Json& json, const char* name) const {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_array()) bad(fmt::format("'{}' is not a list", name));
    std::vector<std::string> texts;
    for (const Json& text : *found) {
      if (!text.is_string()) bad(fmt::format("'{}' is not a list of texts", name));
      texts.push_back(unescaped(text.get<std::string>(), where("names")));
    }
    return texts;
  }

  [[noreturn]] void bad(const std::string& what) const {
    throw DataError(fmt::format("{}: {}; the file is damaged or not Sluice's", path_, what));
  }

 private:
  std::string path_;
  Safetensors file_;
};

/// What does not fit together in a model, or empty.
std::string misfit(const Model& m) {
  const ModelSpec& s = m.spec;
  const std::size_t S = m.series_ids.size();
  const auto count = [](int n) { return static_cast<std::size_t>(n); };
  if (m.channel_names.size() != count(s.M) + count(s.past_channels) + count(s.future_channels)) {
    return "the channels' names and the specification differ";
  }
  if (m.static_names.size() != count(s.static_reals) ||
      m.scaling.static_offset.size() != count(s.static_reals) ||
      m.scaling.static_scale.size() != count(s.static_reals)) {
    return "the static numbers and the specification differ";
  }
  if (m.category_names.size() != s.embeddings.size() ||
      m.vocabularies.size() != s.embeddings.size()) {
    return "the categories and the specification differ";
  }
  for (std::size_t e = 0; e < s.embeddings.size(); ++e) {
    if (m.vocabularies[e].size() != count(s.embeddings[e].cardinality)) {
      return fmt::format("the vocabulary of '{}' and the specification differ",
                         m.category_names[e]);
    }
  }
  if (m.step_category_names.size() != s.step_embeddings.size() ||
      m.step_vocabularies.size() != s.step_embeddings.size()) {
    return "the categories of steps and the specification differ";
  }
  for (std::size_t e = 0; e < s.step_embeddings.size(); ++e) {
    if (m.step_vocabularies[e].size() != count(s.step_embeddings[e].cardinality)) {
      return fmt::format("the vocabulary of '{}' and the specification differ",
                         m.step_category_names[e]);
    }
  }
  const std::size_t scales = m.channel_names.size() * S;
  if (m.scaling.series != static_cast<std::int64_t>(S) || m.scaling.offset.size() != scales ||
      m.scaling.scale.size() != scales || m.seen_until.size() != S ||
      (!m.first.empty() && m.first.size() != S)) {
    return "the scalings and the series differ";
  }
  if (!m.scaling.fitted.empty() && m.scaling.fitted.size() != scales) {
    return "what is scaled and the series differ";
  }
  constexpr std::int64_t kFarthest = std::int64_t{1} << 60;  // so that a sum of periods is one
  if (std::ranges::any_of(m.first, [](auto p) { return p < -kFarthest || p > kFarthest; }) ||
      std::ranges::any_of(m.seen_until,
                          [](auto steps) { return steps < 0 || steps > kFarthest; })) {
    return "a series begins or ends beyond all times";
  }
  if (!m.value_offset.empty() && m.value_offset.size() != count(s.M) * S) {
    return "the values' offsets and the series differ";
  }
  const std::size_t outputs = count(s.K) * count(s.M) * m.residual_probabilities.size();
  if (m.residual_quantiles.size() != outputs) return "the residual quantiles have another shape";
  const std::unordered_set<std::string_view> distinct(m.series_ids.begin(), m.series_ids.end());
  return distinct.size() == S ? "" : "a series is there twice";
}

std::string member_prefix(std::size_t member) {
  return member == 0 ? std::string() : fmt::format("member{}.", member);
}

/// PyTorch's second bias of a layer, whose first one is the block `name`.
std::string second_bias(const std::string& name) {
  constexpr std::string_view kFirst = "lstm.bias_ih_l";
  if (!name.starts_with(kFirst)) return {};
  return "lstm.bias_hh_l" + name.substr(kFirst.size());
}

void write_member(Safetensors& file, const ParamLayout& layout, std::size_t member,
                  std::span<const float> params) {
  if (static_cast<std::int64_t>(params.size()) != layout.size()) {
    throw InternalError(fmt::format("member {} has {} parameters where the model has {}", member,
                                    params.size(), layout.size()));
  }
  const std::string prefix = member_prefix(member);
  for (const ParamBlock& block : layout.blocks()) {
    file.tensors[prefix + block.name] =
        tensor_of(params.subspan(static_cast<std::size_t>(block.offset),
                                 static_cast<std::size_t>(block.size)),
                  block.shape);
    if (const std::string second = second_bias(block.name); !second.empty()) {
      const std::vector<float> zeros(static_cast<std::size_t>(block.size));
      file.tensors[prefix + second] = tensor_of(zeros);
    }
  }
}

std::vector<float> read_member(const Reader& reader, const ParamLayout& layout,
                               std::size_t member) {
  const std::string prefix = member_prefix(member);
  std::vector<float> params;  // grows by what the file really has
  for (const ParamBlock& block : layout.blocks()) {
    std::vector<float> numbers = reader.numbers<float>(prefix + block.name, block.shape);
    const std::string second = prefix + second_bias(block.name);
    if (second != prefix && reader.has(second)) {
      const std::vector<float> more = reader.numbers<float>(second, block.shape);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (more[i] != 0) numbers[i] += more[i];  // adding 0 would turn -0 into 0
      }
    }
    if (!std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); })) {
      reader.bad(fmt::format("tensor '{}' has numbers that are not finite", prefix + block.name));
    }
    params.insert(params.end(), numbers.begin(), numbers.end());
  }
  return params;
}

}  // namespace

void save_model(const std::filesystem::path& path, const Model& model) {
  if (const std::string what = misfit(model); !what.empty()) throw InternalError(what);
  Safetensors file;
  file.metadata["format"] = kModelFormat;
  file.metadata["format_version"] =
      std::to_string(model.spec.step_embeddings.empty() ? 1 : kModelVersion);
  file.metadata["spec"] = spec_json(model.spec).dump();
  file.metadata["config"] = to_toml(model.config);
  file.metadata["frequency"] = frequency_json(model.frequency).dump();
  file.metadata["names"] = Json{{"channels", escaped_list(model.channel_names)},
                                {"statics", escaped_list(model.static_names)},
                                {"categories", escaped_list(model.category_names)},
                                {"step_categories", escaped_list(model.step_category_names)},
                                {"remarks", escaped_list(model.remarks)}}
                               .dump();
  file.metadata["training"] = Json{
      {"members", model.members.size()},
      {"recurrence", escaped(model.recurrence)},
      {"valid_loss", number_json(model.valid_loss)},
      {"steps", model.steps},
      {"seconds", number_json(model.train_seconds)},
      {"began_from",
       model.began_from}}.dump();
  const ParamLayout layout(model.spec);
  for (std::size_t k = 0; k < model.members.size(); ++k) {
    write_member(file, layout, k, model.members[k]);
  }
  const auto S = static_cast<std::int64_t>(model.series_ids.size());
  const auto channels = static_cast<std::int64_t>(model.channel_names.size());
  const SeriesScaling& scaling = model.scaling;
  auto& tensors = file.tensors;
  tensors["series.ids"] = lines_of(model.series_ids);
  tensors["series.seen_until"] = tensor_of(model.seen_until);
  if (!model.first.empty()) tensors["series.first"] = tensor_of(model.first);
  tensors["scaling.offset"] = tensor_of(std::span<const float>(scaling.offset), {channels, S});
  tensors["scaling.scale"] = tensor_of(std::span<const float>(scaling.scale), {channels, S});
  tensors["scaling.static_offset"] = tensor_of(scaling.static_offset);
  tensors["scaling.static_scale"] = tensor_of(scaling.static_scale);
  if (std::ranges::count(scaling.fitted, 0) > 0) {
    tensors["scaling.fitted"] = tensor_of(std::span<const char>(scaling.fitted), {channels, S});
  }
  if (!model.value_offset.empty()) {
    tensors["series.value_offset"] =
        tensor_of(std::span<const double>(model.value_offset), {model.spec.M, S});
  }
  tensors["level"] = tensor_of(std::vector<float>{model.level_mean, model.level_spread});
  const auto G = static_cast<std::int64_t>(model.residual_probabilities.size());
  tensors["residual.probabilities"] = tensor_of(model.residual_probabilities);
  tensors["residual.quantiles"] =
      tensor_of(std::span<const float>(model.residual_quantiles), {model.spec.K, model.spec.M, G});
  for (std::size_t e = 0; e < model.vocabularies.size(); ++e) {
    tensors[fmt::format("vocabulary.{}", e)] = lines_of(model.vocabularies[e]);
  }
  for (std::size_t e = 0; e < model.step_vocabularies.size(); ++e) {
    tensors[fmt::format("step_vocabulary.{}", e)] = lines_of(model.step_vocabularies[e]);
  }
  write_checked(path, file);
}

Model load_model(const std::filesystem::path& path, std::string_view setting) {
  const Reader reader(path, setting, kModelFormat, kModelVersion);
  Model model;
  model.spec = spec_from_json(reader.object("spec"), reader.where("spec"));
  try {
    model.config = parse_config(reader.text("config"), reader.where("config"));
  } catch (const ConfigError& e) {
    throw DataError(e.what());
  }
  model.frequency = frequency_from_json(reader.object("frequency"), reader.where("frequency"));
  const Json names = reader.object("names");
  model.channel_names = reader.names(names, "channels");
  model.static_names = reader.names(names, "statics");
  model.category_names = reader.names(names, "categories");
  if (names.contains("step_categories")) {
    model.step_category_names = reader.names(names, "step_categories");
  }
  if (names.contains("remarks")) model.remarks = reader.names(names, "remarks");
  const Json training = reader.object("training");
  const std::string where = reader.where("training");
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  const std::int64_t members = integer_field(training, "members", 1, 1000, where);
  model.recurrence = unescaped(text_field(training, "recurrence", where), where);
  model.valid_loss = number_field(training, "valid_loss", where);
  model.steps = integer_field(training, "steps", 0, kFar, where);
  model.train_seconds = number_field(training, "seconds", where);
  if (training.contains("began_from")) {
    model.began_from = integer_field(training, "began_from", 0, kFar, where);
  }

  const ParamLayout layout(model.spec);
  for (std::int64_t k = 0; k < members; ++k) {
    model.members.push_back(read_member(reader, layout, static_cast<std::size_t>(k)));
  }
  model.series_ids = reader.lines("series.ids");
  const auto S = static_cast<std::int64_t>(model.series_ids.size());
  const auto channels = static_cast<std::int64_t>(model.channel_names.size());
  model.seen_until = reader.numbers<std::int64_t>("series.seen_until", {S});
  if (reader.has("series.first")) {
    model.first = reader.numbers<std::int64_t>("series.first", {S});
  }
  model.scaling.series = S;
  model.scaling.offset = reader.numbers<float>("scaling.offset", {channels, S});
  model.scaling.scale = reader.numbers<float>("scaling.scale", {channels, S});
  model.scaling.static_offset = reader.numbers<float>("scaling.static_offset", {-1});
  model.scaling.static_scale = reader.numbers<float>("scaling.static_scale", {-1});
  if (reader.has("scaling.fitted")) {
    model.scaling.fitted = reader.numbers<char>("scaling.fitted", {channels, S});
  }
  if (reader.has("series.value_offset")) {
    model.value_offset = reader.numbers<double>("series.value_offset", {model.spec.M, S});
  }
  const std::vector<float> level = reader.numbers<float>("level", {2});
  model.level_mean = level[0];
  model.level_spread = level[1];
  model.residual_probabilities = reader.numbers<double>("residual.probabilities", {-1});
  const auto G = static_cast<std::int64_t>(model.residual_probabilities.size());
  model.residual_quantiles =
      reader.numbers<float>("residual.quantiles", {model.spec.K, model.spec.M, G});
  for (std::size_t e = 0; e < model.category_names.size(); ++e) {
    model.vocabularies.push_back(reader.lines(fmt::format("vocabulary.{}", e)));
  }
  for (std::size_t e = 0; e < model.step_category_names.size(); ++e) {
    model.step_vocabularies.push_back(reader.lines(fmt::format("step_vocabulary.{}", e)));
  }
  if (const std::string what = misfit(model); !what.empty()) reader.bad(what);
  return model;
}

std::filesystem::path state_path(const std::filesystem::path& model_path) {
  return model_path.string() + ".state";
}

void save_training_state(const std::filesystem::path& path, const TrainingState& state) {
  Safetensors file;
  file.metadata["format"] = kStateFormat;
  file.metadata["format_version"] = std::to_string(kStateVersion);
  file.metadata["config"] = state.config;
  file.metadata["place"] = Json{{"member", state.member},
                                {"final_phase", state.final_phase ? 1 : 0},
                                {"epoch", state.epoch},
                                {"batch", state.batch},
                                {"closed_step", state.closed_step},
                                {"start_checksum", state.start_checksum},
                                {"catalog_checksum", state.catalog_checksum},
                                {"step", state.engine.step},
                                {"best_step", state.best_step},
                                {"bad_epochs", state.bad_epochs},
                                {"selected_step", state.selected_step},
                                {"done_members", state.done_members.size()}}
                               .dump();
  auto& tensors = file.tensors;
  tensors["engine.params"] = tensor_of(state.engine.params);
  tensors["engine.average"] = tensor_of(state.engine.average);
  tensors["engine.m"] = tensor_of(state.engine.m);
  tensors["engine.v"] = tensor_of(state.engine.v);
  tensors["engine.carried_h"] = tensor_of(state.engine.carried_h);
  tensors["engine.carried_c"] = tensor_of(state.engine.carried_c);
  tensors["best_params"] = tensor_of(state.best_params);
  tensors["best_loss"] = scalar_of(state.best_loss);
  tensors["seconds"] = scalar_of(state.seconds);
  tensors["plateau_factor"] = scalar_of(state.plateau_factor);
  tensors["selected_params"] = tensor_of(state.selected_params);
  tensors["selected_loss"] = scalar_of(state.selected_loss);
  for (std::size_t k = 0; k < state.done_members.size(); ++k) {
    tensors[fmt::format("done.{}", k)] = tensor_of(state.done_members[k]);
  }
  write_checked(path, file);
}

TrainingState load_training_state(const std::filesystem::path& path) {
  const Reader reader(path, "path.model", kStateFormat, kStateVersion, kStateVersion);
  TrainingState state;
  state.config = reader.text("config");
  const Json at = reader.object("place");
  const std::string where = reader.where("place");
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  state.member = static_cast<int>(integer_field(at, "member", 0, 1000, where));
  state.final_phase = integer_field(at, "final_phase", 0, 1, where) == 1;
  state.epoch = integer_field(at, "epoch", 0, kFar, where);
  state.batch = integer_field(at, "batch", 0, kFar, where);
  state.closed_step = integer_field(at, "closed_step", -1, kFar, where);
  state.start_checksum = integer_field(at, "start_checksum", 0, kFar, where);
  state.catalog_checksum = integer_field(at, "catalog_checksum", 0, kFar, where);
  state.engine.step = integer_field(at, "step", 0, kFar, where);
  state.best_step = integer_field(at, "best_step", 0, kFar, where);
  state.bad_epochs = static_cast<int>(integer_field(at, "bad_epochs", 0, 2'000'000'000, where));
  state.selected_step = integer_field(at, "selected_step", 0, kFar, where);
  const std::int64_t done = integer_field(at, "done_members", 0, 1000, where);
  state.engine.params = reader.numbers<float>("engine.params", {-1});
  state.engine.average = reader.numbers<float>("engine.average", {-1});
  state.engine.m = reader.numbers<float>("engine.m", {-1});
  state.engine.v = reader.numbers<float>("engine.v", {-1});
  state.engine.carried_h = reader.numbers<float>("engine.carried_h", {-1});
  state.engine.carried_c = reader.numbers<float>("engine.carried_c", {-1});
  state.best_params = reader.numbers<float>("best_params", {-1});
  state.best_loss = reader.scalar("best_loss");
  state.seconds = reader.scalar("seconds");
  state.plateau_factor = reader.scalar("plateau_factor");
  state.selected_params = reader.numbers<float>("selected_params", {-1});
  state.selected_loss = reader.scalar("selected_loss");
  for (std::int64_t k = 0; k < done; ++k) {
    state.done_members.push_back(reader.numbers<float>(fmt::format("done.{}", k), {-1}));
  }
  return state;
}

}  // namespace sluice
