#include "sim/answers.hpp"

#include <algorithm>
#include <optional>

#include "json/value.hpp"
#include "sim/handwriting.hpp"
#include "sim/monitor.hpp"
#include "sim/params.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

using util::str;

/// More than any batch can take whose every step waits for its deadline: its own calls, and for each
/// peer that drops out one more round of connect, start, complete and undoing.
constexpr spark::Duration own_time{std::chrono::minutes(6)};
constexpr spark::Duration time_of_a_round{std::chrono::minutes(5)};

std::vector<std::string> id_of(const json::Value& element) {
  const auto id = element.find("id");
  const std::string text = id ? token_text(*id) : "";
  return {text.substr(0, text.find('@'))};
}

std::vector<std::string> ids(const std::optional<json::Value>& array) {
  std::vector<std::string> found;
  for (const auto& element : array ? array->elements() : std::vector<json::Value>()) {
    found.push_back(id_of(element).front());
  }
  return found;
}

std::vector<std::string> written_ids(const json::Value& destinations) {
  if (!destinations.is_array()) return handwritten_ids(token_text(destinations));
  std::vector<std::string> found;
  for (const auto& element : destinations.elements()) {
    for (auto& id : element.is_object() ? id_of(element) : handwritten_ids(token_text(element))) {
      found.push_back(std::move(id));
    }
  }
  return found;
}

/// Of the destinations in a call's parameters, by name or by position.
std::vector<std::string> asked_ids(const Outcome& call) {
  const auto params = json::Document::read(call.params, "params");
  if (!params) return {};
  const auto root = params->root();
  if (root.is_array()) return root.size() == 0 ? std::vector<std::string>() : written_ids(root.elements()[0]);
  if (const auto given = root.find("destinations")) return written_ids(*given);
  std::string names;
  for (const auto& [name, value] : root.members()) names += str(name, '=', token_text(value), '\n');
  return handwritten_ids(names);
}

/// Every entry of `failed` says what failed, and how.
bool is_explained(const json::Value& object) {
  const auto array = object.find("failed");
  const auto elements = array ? array->elements() : std::vector<json::Value>();
  return std::all_of(elements.begin(), elements.end(), [](const json::Value& element) {
    const auto error = element.find("error");
    return element.find("method") && error && error->find("code") && error->find("message");
  });
}

/// Every destination once, in `channel_ids` or in `failed`; in a preview, in its order. An error that is about no peer
/// has neither.
bool names_all(const Outcome& call) {
  const std::string& answer = call.result ? *call.result : call.result.error().data;
  const auto told = json::Document::parse(answer, "answer");
  if (!told) return !call.result && answer.empty();
  if (!call.result && !told->root().find("failed")) return true;
  auto expected = asked_ids(call);
  if (told->root().find("dryrun")) return ids(told->root().find("destinations")) == expected;
  auto named = ids(told->root().find("channel_ids"));
  for (auto& id : ids(told->root().find("failed"))) named.push_back(std::move(id));
  std::sort(expected.begin(), expected.end());
  std::sort(named.begin(), named.end());
  return expected == named && is_explained(told->root());
}

}  // namespace

std::vector<std::string> wrong_answers(const Outcome& call) {
  if (!call.answered) return {describe(Invariant::ends_in_time, "never answered")};
  std::vector<std::string> wrong;
  if (call.replies != 1) wrong.push_back(describe(Invariant::one_reply, str(call.replies, " replies")));
  if (call.method != "multifundchannel") return wrong;
  const auto rounds = asked_ids(call).size() + 1;
  if (call.took > own_time + time_of_a_round * rounds) {
    wrong.push_back(describe(Invariant::ends_in_time, str("answered after ", call.took.count(), " ms")));
  }
  if (!names_all(call)) {
    wrong.push_back(describe(Invariant::every_destination_once, call.result ? *call.result : call.result.error().data));
  }
  return wrong;
}

}  // namespace sim
