#include "sim/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "util/str.hpp"

namespace sim {
namespace {

util::Error failed(std::string_view what) { return {-1, util::str(what, ": ", std::strerror(errno)), ""}; }

/// Our environment, with lightningd's variables in it.
std::vector<std::string> child_environment(const std::string& version) {
  std::vector<std::string> variables{"LIGHTNINGD_PLUGIN=1", "LIGHTNINGD_VERSION=" + version};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("LIGHTNINGD_")) variables.emplace_back(*variable);
  }
  return variables;
}

void accept_for_ever(int listener, int events) {
  for (;;) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const std::string event = util::str("c", client, "\n");
    if (write(events, event.data(), event.size()) < 0) return;
  }
}

void wait_for_signal(int events) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int signal = 0;
  sigwait(&signals, &signal);
  if (write(events, "q\n", 2) < 0) return;
}

}  // namespace

util::Result<Child> start_child(const std::string& path, const std::string& directory, const std::string& version) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return failed("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  auto variables = child_environment(version);
  std::vector<char*> environment;
  for (auto& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string name = path;
  char* arguments[] = {name.data(), nullptr};
  Child child{-1, in[1], out[0]};
  errno = posix_spawn(&child.pid, path.c_str(), &actions, &attributes, arguments, environment.data());
  const bool started = errno == 0;
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(in[0]);
  close(out[1]);
  if (!started) return failed(path);
  return child;
}

void reap(pid_t pid) {
  static constexpr int tries = 300;
  for (int i = 0; i < tries; ++i) {
    if (waitpid(pid, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

util::Result<int> listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return util::Error{-1, path + ": too long for a socket", ""};
  std::memcpy(address.sun_path, path.data(), path.size());
  unlink(path.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return failed("socket");
  // The one cast that the sockets interface is made for.
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed(path);
  if (listen(listener, SOMAXCONN) != 0) return failed(path);
  return listener;
}

int watch(int listener) {
  int events[2] = {-1, -1};
  if (pipe2(events, O_CLOEXEC) != 0) return -1;
  std::thread(accept_for_ever, listener, events[1]).detach();
  std::thread(wait_for_signal, events[1]).detach();
  return events[0];
}

}  // namespace sim
