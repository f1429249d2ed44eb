#pragma once

#include <functional>

#include "context/settings.hpp"
#include "plugin/plugin.hpp"
#include "util/files.hpp"

namespace app {

struct OptionsUse {
  util::Files* files = nullptr;   ///< traces are written by; may be none
  std::function<void()> changed;  ///< comes when a setting that running parts use has changed
};

/// The plugin's options. Each changes its setting at init and, since all are dynamic, at setconfig; `settings` outlives
/// the plugin.
void add_options(plugin::Plugin& plugin, context::Settings& settings, const OptionsUse& use);

}  // namespace app
