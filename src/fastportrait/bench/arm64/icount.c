/* A plugin for QEMU's user emulation (version 1 of its plugin interface, as QEMU 7.2 has it): counts the
 * instructions that the guest executes, and how many times they read or write memory. At the end it prints
 *
 *     icount INSTRUCTIONS MEMORY_ACCESSES
 *
 * Debian ships no qemu-plugin.h: what is used of the interface is declared here. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

typedef uint64_t plugin_id;
struct block;
struct instruction;
enum operation { ADD = 0 };
enum access { READ = 1, WRITE = 2, READ_OR_WRITE = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
size_t qemu_plugin_tb_n_insns(const struct block *);
struct instruction *qemu_plugin_tb_get_insn(const struct block *, size_t);
void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, enum operation, void *, uint64_t);
void qemu_plugin_register_vcpu_mem_inline(struct instruction *, enum access, enum operation, void *, uint64_t);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);

#define SEEN_BY_QEMU __attribute__((visibility("default")))

SEEN_BY_QEMU int qemu_plugin_version = 1;

static uint64_t instructions, accesses;

static void translated(plugin_id id, struct block *block)
{
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &instructions, count);
    for (size_t i = 0; i < count; i++)
        qemu_plugin_register_vcpu_mem_inline(qemu_plugin_tb_get_insn(block, i), READ_OR_WRITE, ADD, &accesses, 1);
}

static void finished(plugin_id id, void *unused)
{
    (void)id;
    (void)unused;
    fprintf(stderr, "icount %" PRIu64 " %" PRIu64 "\n", instructions, accesses);
}

SEEN_BY_QEMU int qemu_plugin_install(plugin_id id, const void *about, int argc, char **argv)
{
    (void)about;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
