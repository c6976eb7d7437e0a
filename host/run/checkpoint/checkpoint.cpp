// Models as safetensors: parameters under PyTorch's names, everything that is numbers as tensors of
// exact bits, everything that is text as metadata.
#include "sluice/run/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/checksum.hpp"
#include "base/distinct.hpp"
#include "run/checkpoint/checked_file.hpp"
#include "run/checkpoint/json.hpp"
#include "run/checkpoint/model_file.hpp"
#include "run/checkpoint/spec_names.hpp"
#include "run/config/keys.hpp"
#include "run/provenance/checksums.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

/// 2: models with categories of steps, 3: of a distribution, 4: with partners, calibrated intervals
/// or encoded covariates, 5: with intervals that are calibrated by groups or a trend as base, which
/// a program that knows only what is before would misread.
constexpr int kModelVersion = 7;
constexpr const char* kModelFormat = "sluice model";

/// The tensor that says what groups of forecasts are made by, and where they begin.
std::string bounds_name(StretchBy by) {
  return by == StretchBy::size ? "stretch.size_bounds" : "stretch.width_bounds";
}

std::string misfit_of_learned(const Model& m);

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
  if (std::string what = misfit_of_learned(m); !what.empty()) return what;
  return are_distinct(m.series_ids) ? "" : "a series is there twice";
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

std::vector<float> read_member(const CheckedReader& reader, const ParamLayout& layout,
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

/// The first version whose programs understand the model.
int version_of(const Model& model) {
  if (model.spec.patch > 1) return kModelVersion;
  if (model.spec.is_recursive()) return 6;
  if (!model.stretch.bounds.empty() || model.spec.base == Base::trend) return 5;
  if (!model.partners.empty() || !model.stretch.probabilities.empty() ||
      !model.scaling.covariates.empty()) {
    return 4;
  }
  if (is_distribution(model.spec.loss)) return 3;
  return model.spec.step_embeddings.empty() ? 1 : 2;
}

/// Weights of partners and factors of the stretch that forecasts can be made by, or what is wrong.
std::string misfit_of_learned(const Model& m) {
  const auto K = static_cast<std::size_t>(m.spec.K);
  std::vector<double> sum(K, 0.0);
  for (const Partner& partner : m.partners) {
    if (partner.weight.size() != K) return "the weights of a partner and the horizon differ";
    for (std::size_t k = 0; k < K; ++k) {
      if (!(partner.weight[k] >= 0)) return "a partner has a weight below 0";
      sum[k] += partner.weight[k];
    }
    const auto keys = partner_keys();
    if (std::ranges::find(keys.begin() + 2, keys.end(), partner.method) == keys.end()) {
      return fmt::format("there is no method '{}' that could be a partner", partner.method);
    }
  }
  if (std::ranges::any_of(sum, [](double w) { return !(w <= 1 + 1e-9); })) {
    return "the partners' weights are more than 1";
  }
  if (!std::ranges::all_of(m.dependence, [](float r) { return r >= -1 && r <= 1; })) {
    return "the dependence of steps has a correlation beyond 1";
  }
  const Stretch& s = m.stretch;
  if (s.factors.size() != K * s.probabilities.size()) return "the stretch has another shape";
  const std::size_t groups = s.bounds.empty() ? 0 : s.bounds.size() + 1;
  if (s.group_factors.size() != groups * s.probabilities.size() ||
      (groups > 0 && s.probabilities.empty())) {
    return "the stretch has other groups than factors of them";
  }
  const auto is_factor = [](float a) { return a > 0 && std::isfinite(a); };
  const bool good = std::ranges::is_sorted(s.probabilities) &&
                    std::ranges::all_of(s.probabilities, [](double p) { return p > 0 && p < 1; }) &&
                    std::ranges::all_of(s.factors, is_factor) &&
                    std::ranges::all_of(s.group_factors, is_factor);
  if (!good) return "the stretch has a factor or a level that cannot be";
  const bool bounds = std::ranges::is_sorted(s.bounds) &&
                      std::ranges::all_of(s.bounds, [](double b) { return std::isfinite(b); });
  return bounds ? "" : "the stretch has bounds of groups that cannot be";
}

void read_learned(const CheckedReader& reader, const Json& names, Model& model) {
  const std::vector<std::string> methods = reader.names(names, "partners");
  const std::int64_t K = model.spec.K;
  if (!methods.empty()) {
    const auto weights = reader.numbers<double>("partners.weight", {std::ssize(methods), K});
    for (std::size_t p = 0; p < methods.size(); ++p) {
      const auto from = weights.begin() + static_cast<std::ptrdiff_t>(p) * K;
      model.partners.push_back({methods[p], {from, from + K}});
    }
  }
  if (!reader.has("stretch.probabilities")) return;
  model.stretch.probabilities = reader.numbers<double>("stretch.probabilities", {-1});
  model.stretch.factors =
      reader.numbers<float>("stretch.factors", {K, std::ssize(model.stretch.probabilities)});
  for (const StretchBy by : {StretchBy::size, StretchBy::width}) {
    if (!reader.has(bounds_name(by))) continue;
    model.stretch.by = by;
    model.stretch.bounds = reader.numbers<double>(bounds_name(by), {-1});
    model.stretch.group_factors = reader.numbers<float>(
        "stretch.groups",
        {std::ssize(model.stretch.bounds) + 1, std::ssize(model.stretch.probabilities)});
  }
}

/// Numbers of a covariate's map in the file: offset, scale, low, high.
constexpr std::int64_t kMapNumbers = 4;

void write_covariates(std::span<const CovariateMap> maps, Safetensors& file) {
  if (maps.empty()) return;
  Json encodings = Json::array();
  std::vector<float> numbers;
  for (const CovariateMap& map : maps) {
    encodings.push_back(names_of(map.encoding).at(static_cast<std::size_t>(map.encoding)));
    numbers.insert(numbers.end(), {map.offset, map.scale, map.low, map.high});
  }
  file.metadata["covariates"] = Json{{"encodings", encodings}}.dump();
  file.tensors["covariates.map"] = tensor_of(std::span<const float>(numbers),
                                             {static_cast<std::int64_t>(maps.size()), kMapNumbers});
}

/// Files from before version 4 have none: each series' own scaling is all.
std::vector<CovariateMap> read_covariates(const CheckedReader& reader, std::int64_t count) {
  if (!reader.has("covariates.map")) return {};
  const auto numbers = reader.numbers<float>("covariates.map", {count, kMapNumbers});
  const auto words = reader.names(reader.object("covariates"), "encodings");
  if (std::ssize(words) != count) reader.bad("the covariates and their encodings differ");
  constexpr auto kNames = names_of(Encoding::standard);
  std::vector<CovariateMap> maps;
  for (std::size_t c = 0; c < words.size(); ++c) {
    const auto* const found = std::ranges::find(kNames, words[c]);
    if (found == kNames.end()) reader.bad(fmt::format("'{}' is no encoding", words[c]));
    const float* from = numbers.data() + c * kMapNumbers;
    const CovariateMap map{.encoding = static_cast<Encoding>(found - kNames.begin()),
                           .offset = from[0],
                           .scale = from[1],
                           .low = from[2],
                           .high = from[3]};
    if (!std::isfinite(map.offset) || !(map.scale > 0) || !(map.low <= map.high)) {
      reader.bad(fmt::format("the map of covariate {} is not possible", c));
    }
    maps.push_back(map);
  }
  return maps;
}

/// hash_of the model in `file`.
std::string contents_hash(const Safetensors& file) {
  Checksum sum;
  for (const char* name : {"spec", "frequency", "covariates"}) {
    const auto found = file.metadata.find(name);
    sum.add(found == file.metadata.end() ? "" : found->second);
  }
  const Json names = Json::parse(file.metadata.at("names"));
  for (const char* name : {"channels", "statics", "categories", "step_categories", "partners"}) {
    sum.add(names.value(name, Json::array()).dump());
  }
  for (const auto& [name, tensor] : file.tensors) {
    sum.add(name);
    sum.add(tensor.dtype);
    sum.add(std::span<const std::int64_t>(tensor.shape));
    sum.add(std::span<const std::uint8_t>(tensor.bytes));
  }
  return hash_text(sum.value());
}

}  // namespace

Safetensors model_file(const Model& model) {
  if (const std::string what = misfit(model); !what.empty()) throw InternalError(what);
  Safetensors file;
  file.metadata["format"] = kModelFormat;
  file.metadata["format_version"] = std::to_string(version_of(model));
  file.metadata["spec"] = spec_json(model.spec).dump();
  file.metadata["config"] = to_toml(model.config);
  file.metadata["frequency"] = frequency_json(model.frequency).dump();
  std::vector<std::string> methods;
  for (const Partner& partner : model.partners) methods.push_back(partner.method);
  file.metadata["names"] = Json{
      {"channels", escaped_list(model.channel_names)},
      {"statics", escaped_list(model.static_names)},
      {"categories", escaped_list(model.category_names)},
      {"step_categories", escaped_list(model.step_category_names)},
      {"remarks", escaped_list(model.remarks)},
      {"choice", escaped_list(model.choice)},
      {"learned", escaped_list(model.learned)},
      {"partners",
       escaped_list(methods)}}.dump();
  file.metadata["training"] = Json{
      {"members", model.members.size()},
      {"recurrence", escaped(model.recurrence)},
      {"valid_loss", number_json(model.valid_loss)},
      {"steps", model.steps},
      {"seconds", number_json(model.train_seconds)},
      {"began_from",
       model.began_from}}.dump();
  if (!model.provenance.empty()) file.metadata["provenance"] = to_json(model.provenance);
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
  write_covariates(scaling.covariates, file);
  tensors["level"] = tensor_of(std::vector<float>{model.level_mean, model.level_spread});
  const auto G = static_cast<std::int64_t>(model.residual_probabilities.size());
  tensors["residual.probabilities"] = tensor_of(model.residual_probabilities);
  tensors["residual.quantiles"] =
      tensor_of(std::span<const float>(model.residual_quantiles), {model.spec.K, model.spec.M, G});
  if (!model.partners.empty()) {
    std::vector<double> weights;
    for (const Partner& p : model.partners) {
      weights.insert(weights.end(), p.weight.begin(), p.weight.end());
    }
    tensors["partners.weight"] =
        tensor_of(std::span<const double>(weights), {std::ssize(model.partners), model.spec.K});
  }
  if (!model.stretch.probabilities.empty()) {
    tensors["stretch.probabilities"] = tensor_of(model.stretch.probabilities);
    tensors["stretch.factors"] = tensor_of(std::span<const float>(model.stretch.factors),
                                           {model.spec.K, std::ssize(model.stretch.probabilities)});
  }
  if (!model.stretch.bounds.empty()) {
    tensors[bounds_name(model.stretch.by)] = tensor_of(model.stretch.bounds);
    tensors["stretch.groups"] =
        tensor_of(std::span<const float>(model.stretch.group_factors),
                  {std::ssize(model.stretch.bounds) + 1, std::ssize(model.stretch.probabilities)});
  }
  if (!model.dependence.empty()) {
    tensors["dependence"] =
        tensor_of(std::span<const float>(model.dependence), {model.spec.K, model.spec.K});
  }
  for (std::size_t e = 0; e < model.vocabularies.size(); ++e) {
    tensors[fmt::format("vocabulary.{}", e)] = lines_of(model.vocabularies[e]);
  }
  for (std::size_t e = 0; e < model.step_vocabularies.size(); ++e) {
    tensors[fmt::format("step_vocabulary.{}", e)] = lines_of(model.step_vocabularies[e]);
  }
  return file;
}

void save_model(const std::filesystem::path& path, const Model& model) {
  Safetensors file = model_file(model);
  write_checked(path, file);
}

std::string hash_of(const Model& model) {
  return model.hash.empty() ? contents_hash(model_file(model)) : model.hash;
}

Model load_model(const std::filesystem::path& path, std::string_view setting) {
  const CheckedReader reader(path, setting, kModelFormat, kModelVersion);
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
  if (names.contains("choice")) model.choice = reader.names(names, "choice");
  if (names.contains("learned")) model.learned = reader.names(names, "learned");
  if (names.contains("partners")) read_learned(reader, names, model);
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
  model.scaling.covariates = read_covariates(reader, channels - model.spec.M);
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
  if (reader.has("dependence")) {
    model.dependence = reader.numbers<float>("dependence", {model.spec.K, model.spec.K});
  }
  for (std::size_t e = 0; e < model.category_names.size(); ++e) {
    model.vocabularies.push_back(reader.lines(fmt::format("vocabulary.{}", e)));
  }
  for (std::size_t e = 0; e < model.step_category_names.size(); ++e) {
    model.step_vocabularies.push_back(reader.lines(fmt::format("step_vocabulary.{}", e)));
  }
  if (reader.file().metadata.contains("provenance")) {
    model.provenance = provenance_from_json(reader.text("provenance"), reader.where("provenance"));
  }
  if (const std::string what = misfit(model); !what.empty()) reader.bad(what);
  model.hash = contents_hash(reader.file());
  return model;
}

}  // namespace sluice
