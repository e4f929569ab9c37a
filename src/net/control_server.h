// The control socket of a daemon ("unixctl", ovs-appctl(8)): commands by name with words as arguments, over
// JSON-RPC.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"

namespace weft::net {

// What a command's handler answers with, once, now or later.
class ControlReply {
  public:
    virtual ~ControlReply() = default;
    virtual void success(std::string text) = 0;
    virtual void failure(std::string text) = 0;
};

class ControlServer {
  public:
    using Arguments = std::vector<std::string>;  // without the command itself
    // Most handlers answer at once: their Result is the reply.
    using Handler = std::function<Result<std::string>(const Arguments&)>;
    using DeferredHandler = std::function<void(const Arguments&, std::shared_ptr<ControlReply>)>;

    // `path` "" means RUNDIR/PROGRAM.PID.ctl, "none" no socket; a relative path is below RUNDIR.  `version`,
    // `list-commands` and those of common_commands.h are there from the start; exit is the daemon's own to
    // add.
    static Result<std::unique_ptr<ControlServer>> create(Loop& loop, std::string path, std::string program);
    ~ControlServer();

    // `usage` is what list-commands shows after the name; -1 arguments: no limit.
    void add(std::string name, std::string usage, int min_args, int max_args, Handler handler);
    void add_deferred(std::string name, std::string usage, int min_args, int max_args,
                      DeferredHandler handler);
    // What list-commands says of the commands whose names begin so, the names in that many columns.
    std::string list(std::string_view prefix, int columns) const;
    const std::string& path() const;

  private:
    struct Impl;
    explicit ControlServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::net
