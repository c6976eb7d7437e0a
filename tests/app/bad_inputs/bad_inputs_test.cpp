// Bad inputs and what the program says of them: a table, NAME.toml beside this file for each kind.
// A case is a folder of its own, a command in it, the status that it must end with and its last
// message:
//
//   [[case]]
//   name = "a row is short"
//   files."a.csv" = "..."         bytes; hex."a.gz" = "1f8b...": the same in hexadecimal
//   given = ["sales.csv"]         what `sluice simulate` and `train` made once: see Given
//   cut."sales.parquet" = 100     keeps its first bytes; -100: all but its last
//   patch."sales.parquet" = [-8, "ff"]   writes bytes over others, from the end where it is
//   negative model."spec.L" = 7            changes a model's header (see edit_model) run = "check
//   a.csv"           'quoted' words as in a shell status = 3                    2: the request, 3:
//   the data, as Error has them says = "a.csv:3: ..."         `*` stands for anything
//
// Each runs in a process of its own, which is this one's child: the program as a user meets it.
#include <gtest/gtest.h>

#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/bad_inputs/child.hpp"

namespace sluice::bad_inputs {
namespace {

using Json = nlohmann::json;

/// Files that cases begin with: sales.csv, .parquet, .arrow (2 items, 120 days), sales.future.csv
/// beside, and model.safetensors, trained on sales.csv.
const fs::path& given_folder() {
  static const Folder folder;
  static const bool made = [] {
    const auto needs = [](const std::string& line) {
      const Outcome outcome = run(folder.path(), line);
      if (outcome.status != 0) throw std::runtime_error(line + ": " + outcome.err);
    };
    for (const char* ending : {"csv", "parquet", "arrow"}) {
      needs(std::string("simulate sales.") + ending + " --stores 1 --items 2 --days 120");
    }
    needs(
        "train sales.csv --horizon 7 --network.hidden_size 4 --training.steps 4 --training.choice "
        "0 --training.partners none --training.final_fit false --engine.threads 1 --path.model "
        "model.safetensors --path.log log.jsonl");
    return true;
  }();
  (void)made;
  return folder.path();
}

Json json_of(const toml::node& node) {
  if (const auto* list = node.as_array()) {
    Json json = Json::array();
    for (const auto& element : *list) json.push_back(json_of(element));
    return json;
  }
  if (node.is_integer()) return **node.as_integer();
  if (node.is_floating_point()) return **node.as_floating_point();
  if (node.is_boolean()) return **node.as_boolean();
  if (const auto* table = node.as_table()) {
    Json json = Json::object();
    for (const auto& [key, value] : *table) json[std::string(key.str())] = json_of(value);
    return json;
  }
  return **node.as_string();
}

/// `where` is "metadata.KEY", "tensor.NAME/FIELD", or "SPEC.KEY" of a metadata text that is JSON;
/// "(none)" takes it out. The checksum goes, as it does where a file is made on purpose.
void edit_model(const fs::path& path, const std::string& where, const Json& value) {
  const std::string bytes = bytes_of(path);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  Json header = Json::parse(bytes.substr(sizeof length, length));
  Json& metadata = header["__metadata__"];
  metadata.erase("checksum");
  const auto put = [&](Json& object, const std::string& key) {
    if (value == "(none)") {
      object.erase(key);
    } else {
      object[key] = value;
    }
  };
  const std::size_t dot = where.find('.');
  const std::string kind = where.substr(0, dot), key = where.substr(dot + 1);
  if (kind == "metadata") {
    put(metadata, key);
  } else if (kind == "tensor") {
    const std::size_t slash = key.find('/');
    if (slash == std::string::npos) {
      put(header, key);
    } else {
      put(header.at(key.substr(0, slash)), key.substr(slash + 1));
    }
  } else {
    Json object = Json::parse(metadata.at(kind).get<std::string>());
    put(object, key);
    metadata[kind] = object.dump();
  }
  const std::string text = header.dump();
  const std::uint64_t new_length = text.size();
  std::string edited(sizeof new_length, '\0');
  std::memcpy(edited.data(), &new_length, sizeof new_length);
  write_bytes(path, edited + text + bytes.substr(sizeof length + length));
}

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

/// A place in `bytes`, counted from the end where it is negative.
std::size_t place_in(const std::string& bytes, std::int64_t at) {
  return static_cast<std::size_t>(at < 0 ? std::ssize(bytes) + at : at);
}

template <typename Use>
void each(const toml::table& one, const char* key, Use use) {
  const toml::table* table = one[key].as_table();
  if (table == nullptr) return;
  for (const auto& [name, value] : *table) use(std::string(name.str()), value);
}

void prepare(const fs::path& folder, const toml::table& one) {
  if (const toml::array* given = one["given"].as_array()) {
    for (const auto& name : *given) {
      fs::copy(given_folder() / **name.as_string(), folder / **name.as_string());
    }
  }
  each(one, "files", [&](const std::string& name, const toml::node& text) {
    write_bytes(folder / name, **text.as_string());
  });
  each(one, "hex", [&](const std::string& name, const toml::node& digits) {
    write_bytes(folder / name, from_hex(**digits.as_string()));
  });
  each(one, "cut", [&](const std::string& name, const toml::node& keep) {
    const std::string bytes = bytes_of(folder / name);
    write_bytes(folder / name, bytes.substr(0, place_in(bytes, **keep.as_integer())));
  });
  each(one, "patch", [&](const std::string& name, const toml::node& change) {
    std::string bytes = bytes_of(folder / name);
    const toml::array& parts = *change.as_array();
    const std::string by = from_hex(**parts[1].as_string());
    bytes.replace(place_in(bytes, **parts[0].as_integer()), by.size(), by);
    write_bytes(folder / name, bytes);
  });
  each(one, "model", [&](const std::string& where, const toml::node& value) {
    edit_model(folder / "model.safetensors", where, json_of(value));
  });
}

/// Whether `text` is `pattern`, in which `*` stands for anything.
bool fits(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (fits(rest, text.substr(at))) return true;
  }
  return false;
}

/// Everything below the folder, so that what a refused command left behind is seen.
std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    names.insert(fs::relative(entry.path(), folder).string());
  }
  names.erase("runs");  // where the log of commands that go further is
  names.erase("runs/log.jsonl");
  names.erase("runs/figures");  // made to see whether it can be
  return names;
}

std::vector<std::string> tables() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(SLUICE_BAD_INPUTS)) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

class BadInputs : public ::testing::TestWithParam<std::string> {};

TEST_P(BadInputs, EndWithTheMessageOfTheTable) {
  const fs::path path = fs::path(SLUICE_BAD_INPUTS) / (GetParam() + ".toml");
  const toml::table table = toml::parse_file(path.string());
  for (const auto& node : *table["case"].as_array()) {
    const toml::table& one = *node.as_table();
    const Folder folder;
    prepare(folder.path(), one);
    const std::set<std::string> before = names_in(folder.path());
    const std::string line = one["run"].value_or(std::string());
    const Outcome outcome = run(folder.path(), line);
    const std::string says = one["says"].value_or(std::string());
    std::string said = last_message(outcome);
    for (std::size_t at = 0; (at = said.find(folder.path().string(), at)) != std::string::npos;) {
      said.replace(at, folder.path().string().size(), "FOLDER");
    }
    const bool right =
        outcome.status == one["status"].value_or(std::int64_t{-1}) && fits(says, said);
    EXPECT_TRUE(right) << GetParam() << ".toml:" << one.source().begin.line << ": "
                       << one["name"].value_or(std::string()) << "\n  run      " << line
                       << "\n  status   " << outcome.status << "\n  said     " << said
                       << "\n  expected " << says;
    if (outcome.status != 0) {
      EXPECT_EQ(names_in(folder.path()), before) << one["name"].value_or(std::string());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadInputs, ::testing::ValuesIn(tables()),
                         [](const auto& one) { return one.param; });

TEST(BadInputsTable, HasManyOfThem) {
  std::size_t count = 0;
  std::set<std::string> names;
  for (const std::string& name : tables()) {
    const toml::table table =
        toml::parse_file((fs::path(SLUICE_BAD_INPUTS) / (name + ".toml")).string());
    for (const auto& one : *table["case"].as_array()) {
      ++count;
      EXPECT_TRUE(names.insert(name + (*one.as_table())["name"].value_or(std::string())).second);
      EXPECT_FALSE((*one.as_table())["says"].value_or(std::string()).empty());
    }
  }
  EXPECT_GE(count, 150);
}

}  // namespace
}  // namespace sluice::bad_inputs
