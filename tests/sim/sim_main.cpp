// The simulated lightningd as a program: runs the real plugin binary over real pipes and serves a
// real lightning-rpc socket.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>

#include "loop/loop.hpp"
#include "sim/lightningd.hpp"
#include "sim/process.hpp"
#include "sim/scenario.hpp"

namespace {

constexpr const char* usage = "usage: multifundchannel-sim --plugin PATH --dir DIR --scenario FILE [--delay-scale X]\n";

struct Arguments {
  std::string plugin, directory, scenario;
  double delay_scale = 1;
};

std::optional<Arguments> read_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 >= argc) return std::nullopt;
    if (name == "--plugin") {
      arguments.plugin = argv[i + 1];
    } else if (name == "--dir") {
      arguments.directory = argv[i + 1];
    } else if (name == "--scenario") {
      arguments.scenario = argv[i + 1];
    } else if (name == "--delay-scale") {
      arguments.delay_scale = std::strtod(argv[i + 1], nullptr);
    } else {
      return std::nullopt;
    }
  }
  if (arguments.plugin.empty() || arguments.directory.empty() || arguments.scenario.empty()) return std::nullopt;
  arguments.directory = std::filesystem::absolute(arguments.directory).string();
  arguments.plugin = std::filesystem::absolute(arguments.plugin).string();
  return arguments;
}

/// Calls `line` with each line of a stream; its end is the line "q".
class Lines final : private util::Receiver {
 public:
  Lines(std::unique_ptr<util::Transport> transport, std::function<void(const std::string&)> line)
      : transport_(std::move(transport)), line_(std::move(line)) {
    transport_->start(*this);
  }

 private:
  void received(std::string_view bytes) override {
    for (const char c : bytes) {
      if (c != '\n') {
        partial_ += c;
      } else {
        line_(std::exchange(partial_, ""));
      }
    }
  }
  void drained() override {}
  void closed(const std::string&) override { line_("q"); }

  std::unique_ptr<util::Transport> transport_;
  std::function<void(const std::string&)> line_;
  std::string partial_;
};

int fail(const std::string& what) {
  std::fprintf(stderr, "multifundchannel-sim: %s\n", what.c_str());
  return 1;
}

void announce_ready() {
  std::puts("ready");
  std::fflush(stdout);
}

int serve(const Arguments& arguments, sim::Setup setup, int events, const sim::Child& child) {
  loop::Loop loop;
  bool died = false;
  sim::Lightningd lightningd(loop, std::move(setup));
  lightningd.start_plugin(loop.stdio(child.from, child.to), {arguments.directory, "lightning-rpc"}, announce_ready,
                          [&loop, &died] {
                            died = true;
                            loop.stop();
                          });
  const auto nowhere = [] { return open("/dev/null", O_WRONLY | O_CLOEXEC); };
  const Lines happenings(loop.stdio(events, nowhere()), [&loop, &lightningd](const std::string& line) {
    if (line.starts_with("q")) return loop.stop();
    const int client = std::atoi(line.c_str() + 1);
    lightningd.accept(loop.stdio(client, client));
  });
  const Lines input(loop.stdio(STDIN_FILENO, nowhere()), [&loop](const std::string& line) {
    if (line == "q") loop.stop();
  });
  loop.run();
  lightningd.announce_shutdown();
  for (const auto& violation : lightningd.node().core().monitor.violations()) fail("violation: " + violation);
  return died ? fail("the plugin ended") : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = read_arguments(argc, argv);
  if (!arguments) {
    std::fputs(usage, stderr);
    return 2;
  }
  std::ifstream file(arguments->scenario, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto setup = sim::read_scenario(text, arguments->delay_scale);
  if (!setup) return fail(arguments->scenario + ": " + setup.error().message);

  std::filesystem::create_directories(arguments->directory);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const auto listener = sim::listen_at(arguments->directory + "/lightning-rpc");
  if (!listener) return fail(listener.error().message);
  const auto child = sim::start_child(arguments->plugin, arguments->directory, setup->version);
  if (!child) return fail(child.error().message);

  const int status = serve(*arguments, std::move(*setup), sim::watch(*listener), *child);
  sim::reap(child->pid);
  unlink((arguments->directory + "/lightning-rpc").c_str());
  return status;
}
