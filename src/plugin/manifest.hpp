#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "json/value.hpp"
#include "plugin/command.hpp"
#include "plugin/option.hpp"
#include "util/function.hpp"
#include "util/result.hpp"

namespace plugin {

/// Runs a command with the parameters that it was parsed with.
using Run = util::Function<void(Command)>;

/// A command of ours. `parse` decides about the parameters alone, and gives what runs the command with them, which
/// lightningd's `check` drops.
struct Method {
  std::string name;
  std::string usage;        ///< must not contain characters that JSON escapes as \u
  std::string description;  ///< needed by v23.08 to v24.05
  std::function<util::Result<Run>(const json::Value& params)> parse;
};

/// What the plugin offers to lightningd, and what it wants to hear of: commands, options, topics, and one command of
/// others that it redirects. Owned by the Plugin; complete when getmanifest is answered.
class Manifest {
 public:
  using Handler = std::function<void(const json::Value& params)>;
  /// Gets an intercepted request {id, method, params} and gives the JSON of the hook's result.
  using Decide = std::function<std::string(const json::Value& request)>;

  void add(Method method);
  void add(Option option);
  void subscribe(std::string topic, Handler handler);
  void redirect(std::string method, Decide decide);
  void announce(std::string topic) { topics_.insert(std::move(topic)); }

  /// nullptr when there is none.
  [[nodiscard]] const Method* method(std::string_view name) const;
  [[nodiscard]] const Option* option(std::string_view name) const;
  [[nodiscard]] const Handler* subscription(std::string_view topic) const;
  /// nullptr when that method is not redirected.
  [[nodiscard]] const Decide* redirection(std::string_view method) const;
  [[nodiscard]] const std::map<std::string, Option, std::less<>>& options() const { return options_; }

  /// The answer to getmanifest.
  [[nodiscard]] std::string json() const;

 private:
  std::map<std::string, Method, std::less<>> methods_;
  std::map<std::string, Option, std::less<>> options_;
  std::map<std::string, Handler, std::less<>> subscriptions_;
  std::string redirected_;  ///< empty: nothing
  Decide decide_;
  std::set<std::string> topics_;  ///< of notifications of ours
};

}  // namespace plugin
