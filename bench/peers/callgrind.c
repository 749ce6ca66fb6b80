/* Two calls for a program under valgrind --tool=callgrind --instr-atstart=no: begin to count instructions, and write what
   was counted to a file named after a stage and begin again at zero. bench/peers/stages.py calls them through ctypes. */

#include <valgrind/callgrind.h>

void count_instructions(void);
void write_and_zero(const char *stage);

void count_instructions(void)
{
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

void write_and_zero(const char *stage)
{
    CALLGRIND_DUMP_STATS_AT(stage);
}
