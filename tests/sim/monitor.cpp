#include "sim/monitor.hpp"

#include <algorithm>

#include "sim/coin_selection.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace sim {

using util::str;

namespace {

/// The longest that a call is held up, and the time between two.
constexpr spark::Duration between_calls{5'250};
constexpr spark::Duration between_prompt_calls{250};
/// With so many blocks to go, and so much time before the last of them, a reservation can be extended.
constexpr std::uint32_t blocks_to_go = 5;
constexpr spark::Duration time_to_extend{3'000};
