#include "sim/datastore.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr int del_missing = 1200, del_generation = 1201, already_exists = 1202, missing = 1203, wrong_generation = 1204,
              has_children = 1205, no_children = 1206;

Datastore::Key read_key(Params& params) {
  const auto value = params.find("key");
  if (!value) return {};
  if (!value->is_array()) return {token_text(*value)};
  Datastore::Key key;
  for (const auto& element : value->elements()) key.push_back(token_text(element));
  if (key.empty()) params.bad("key", "should not be empty");
  return key;
}

/// `string` or `hex`.
std::optional<util::Bytes> read_data(Params& params) {
  if (params.find("string")) {
    const std::string text = params.text("string");
    return util::Bytes(text.begin(), text.end());
  }
  return util::from_hex(params.text("hex", "?"));
}

bool starts_with(const Datastore::Key& key, const Datastore::Key& prefix) {
  return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

void write_key(json::Writer& writer, const Datastore::Key& key) {
  writer.key("key").array();
  for (const auto& part : key) writer.value(part);
  writer.end();
}

void write_entry(json::Writer& writer, const Datastore::Key& key, const Datastore::Entry& entry) {
  writer.object();
  write_key(writer, key);
  writer.field("generation", entry.generation).field("hex", util::to_hex(entry.data));
  writer.field("string", std::string(entry.data.begin(), entry.data.end())).end();
}

}  // namespace

Datastore::Datastore(Core& core) : core_(core) {
  core.methods.add("datastore", "key [string] [hex] [mode] [generation]",
                   [this](Params& params, Reply reply) { datastore(params, std::move(reply)); });
  core.methods.add("listdatastore", "[key]",
                   [this](Params& params, Reply reply) { listdatastore(params, std::move(reply)); });
  core.methods.add("deldatastore", "key [generation]",
                   [this](Params& params, Reply reply) { deldatastore(params, std::move(reply)); });
}

/// A key has data or children, never both.
std::optional<util::Error> Datastore::check_family(const Key& key) const {
  const auto next = entries_.upper_bound(key);
  if (next != entries_.end() && starts_with(next->first, key)) {
    return util::Error{has_children, "Key has children already", ""};
  }
  for (std::size_t size = 1; size < key.size(); ++size) {
    if (entries_.contains(Key(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(size)))) {
      return util::Error{no_children, "Parent key exists", ""};
    }
  }
  return std::nullopt;
}

bool Datastore::same_generation(Params& params, const Entry& entry) {
  return !params.find("generation") || params.text("generation") == std::to_string(entry.generation);
}

void Datastore::datastore(Params& params, Reply reply) {
  static constexpr std::string_view modes[] = {"must-create", "must-replace", "create-or-replace", "must-append",
                                               "create-or-append"};
  const Key key = read_key(params);
  const std::string mode = params.text("mode", "must-create");
  if (std::find(std::begin(modes), std::end(modes), mode) == std::end(modes)) params.bad("mode", "unknown mode");
  if (params.find("generation") && mode != "must-replace" && mode != "must-append") {
    return reply.fail(lightningd::code::invalid_params, "generation only valid with must-replace or must-append");
  }
  const auto data = read_data(params);
  if (!data) params.bad("hex", "Must have either hex or string");
  if (params.error()) return reply.finish(*params.error());

  const bool exists = entries_.contains(key);
  if (!exists) {
    if (const auto error = check_family(key)) return reply.finish(*error);
  }
  if (mode == "must-create" && exists) return reply.fail(already_exists, "Key already exists");
  if (mode.starts_with("must-") && mode != "must-create" && !exists) return reply.fail(missing, "Key does not exist");
  if (exists && !same_generation(params, entries_[key])) {
    return reply.fail(wrong_generation, "generation is different");
  }
  if (!exists && key.size() == 3 && key[0] == "multifundchannel") core_.monitor.named(core_.asked.origin, key[2]);
  Entry& entry = entries_[key];
  if (!mode.ends_with("append")) entry.data.clear();
  entry.data.insert(entry.data.end(), data->begin(), data->end());
  if (exists) ++entry.generation;
  history_.emplace_back(key, entry.data);
  core_.monitor.stored({reinterpret_cast<const char*>(entry.data.data()), entry.data.size()});
  if (key == std::vector<std::string>{"multifundchannel", "bumps"}) core_.monitor.bumps_recorded(entry.data);
  if (key.size() == 3 && key[0] == "multifundchannel") core_.monitor.recorded(key[2], entry.data);
  json::Writer writer;
  write_entry(writer, key, entry);
  reply.succeed(writer.take());
}

void Datastore::put(const Key& key, util::Bytes data) {
  const bool exists = entries_.contains(key);
  Entry& entry = entries_[key];
  entry.data = std::move(data);
  if (exists) ++entry.generation;
}

/// The key itself and its children; grandchildren only as a summary of their parent.
void Datastore::listdatastore(Params& params, Reply reply) {
  const Key key = read_key(params);
  if (params.error()) return reply.finish(*params.error());
  json::Writer writer;
  writer.object().key("datastore").array();
  Key summary;
  for (const auto& [name, entry] : entries_) {
    if (!starts_with(name, key)) continue;
    if (name.size() <= key.size() + 1) {
      write_entry(writer, name, entry);
    } else if (summary.empty() || !starts_with(name, summary)) {
      summary.assign(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(key.size()) + 1);
      writer.object();
      write_key(writer, summary);
      writer.end();
    }
  }
  reply.succeed(writer.end().end().take());
}

void Datastore::deldatastore(Params& params, Reply reply) {
  const Key key = read_key(params);
  if (params.error()) return reply.finish(*params.error());
  const auto found = entries_.find(key);
  if (found == entries_.end()) return reply.fail(del_missing, "Key does not exist");
  if (!same_generation(params, found->second)) {
    return reply.fail(del_generation, "generation is different");
  }
  json::Writer writer;
  write_entry(writer, key, found->second);
  entries_.erase(found);
  if (key.size() == 3 && key[0] == "multifundchannel") core_.monitor.record_removed(key[2]);
  reply.succeed(writer.take());
}

}  // namespace sim
