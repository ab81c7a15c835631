"""The lab above the stairs: other systems, made-up clips, AVE as released, the tables and figures of the paper."""
