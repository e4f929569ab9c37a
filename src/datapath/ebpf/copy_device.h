// The device that programs send copies of packets out of, where another program goes on with them: a copy
// that is changed, recirculated or sent by a tunnel otherwise than the packet itself.
//
// Nothing ever leaves it.  It is down, has no address, and outlives the process as the programs do.  Each
// process has one of its own, since a copy must find the maps of the program that made it; the one of the
// process before goes when its programs have been replaced.

#pragma once

#include <memory>
#include <string>

#include "datapath/ebpf/kernel.h"
#include "datapath/netdev/links.h"

namespace weft::datapath::ebpf {

class CopyDevice {
  public:
    static constexpr const char* kPrefix = "weft-copy";  // and a digit
    static constexpr const char* kFilterName = "weft_copy";

    // Makes the device and tells the programs of it.  `links` must outlive it.
    static Result<std::unique_ptr<CopyDevice>> create(Links& links, Kernel& kernel);
    // No program of an earlier process runs any more: its device goes.
    void take_over();
    // All of them.
    static void remove_all(Links& links) { remove_others(links, ""); }

  private:
    CopyDevice(Links& links, std::string name) : links_(links), name_(std::move(name)) {}
    static void remove_others(Links& links, const std::string& kept);

    Links& links_;
    std::string name_;
};

}  // namespace weft::datapath::ebpf
